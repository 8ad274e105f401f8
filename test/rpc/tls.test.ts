import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { currentCall } from '../../src/rpc/index.ts'
import { callFrom, MemoryRegistry, serve } from './fixture.ts'

const pem = (name: string): string =>
  readFileSync(new URL(`../host/certificates/${name}`, import.meta.url), 'utf8')

const TLS = { ca: pem('ca.crt'), cert: pem('server.crt'), key: pem('server.key') }
const CLIENT = { ca: pem('ca.crt'), cert: pem('client.crt'), key: pem('client.key') }

it('over TLS a handler knows whose certificate its caller has', async () => {
  const registry = new MemoryRegistry()
  const server = await serve(registry, { tls: { ...TLS, requireClientCertificate: true } })
  await server.provide('who', { am: () => currentCall().principal })
  expect(await callFrom(registry, { tls: CLIENT }).invoke('who', 'am')).toBe('client')
  await expect(callFrom(registry, { tls: { ca: TLS.ca } }).invoke('who', 'am')).rejects.toMatchObject({
    code: 'RPC_UNREACHABLE',
    outcome: 'not-executed',
  })
})

it('without a certificate of its own a caller is nobody', async () => {
  const registry = new MemoryRegistry()
  const server = await serve(registry, { tls: TLS })
  await server.provide('who', { am: () => currentCall().principal })
  expect(await callFrom(registry, { tls: { ca: TLS.ca } }).invoke('who', 'am')).toBe(undefined)
  const plain = await serve(registry)
  await plain.provide('plain', { am: () => currentCall().principal })
  expect(await callFrom(registry).invoke('plain', 'am')).toBe(undefined)
})
