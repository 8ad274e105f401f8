export * from './list.ts'
export { multi, multiRead } from './multi.ts'
