declare const brand: unique symbol

/** `Brand<number, 'Term'>` is a number that does not mix with other numbers. */
export type Brand<Value, Name extends string> = Value & { readonly [brand]: Name }
