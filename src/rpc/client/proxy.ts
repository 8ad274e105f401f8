import { shown } from '../../base/index.ts'
import { isLocalName, type LocalName, type MethodName, rpcError } from '../core/index.ts'
import type { Call } from './call.ts'
import type { CallOptions } from './options.ts'

type RemoteMethod<Method> = Method extends (...args: infer Args) => infer Returned
  ? Returned extends AsyncIterable<infer Item>
    ? (...args: Args) => AsyncIterable<Item>
    : (...args: Args) => Promise<Awaited<Returned>>
  : never

/** The methods of `T` as calls. Members that are not functions, private members and symbols are not there. */
export type Client<T> = {
  readonly [Name in Exclude<MethodName<T>, LocalName | keyof object>]: RemoteMethod<NonNullable<T[Name]>>
} & {
  /** A proxy whose calls do something differently. */
  with(options: CallOptions): Client<T>
}

/** What a proxy asks its client for. */
export interface ProxyTarget {
  readonly name: string
  call(method: string, args: readonly unknown[]): Call<unknown>
  with(options: CallOptions): ProxyTarget
}

/**
 * An object whose members are made when first asked for. They become own properties, so that the proxy itself,
 * which is the prototype, is asked once for each method and not for each call.
 */
export function makeProxy<T>(target: ProxyTarget): Client<T> {
  const prototype = new Proxy(Object.freeze({}), {
    get: (_none, name, receiver) => member(target, name, receiver as object),
    has: () => false,
    set: (_none, name) => {
      throw rpcError('RPC_NOT_REMOTE', `${target.name}: ${shown(name)} cannot be set; a proxy only calls`)
    },
  })
  const client = Object.create(prototype) as object
  define(client, 'with', (options: CallOptions) => makeProxy<T>(target.with(options)))
  return client as Client<T>
}

function member(target: ProxyTarget, name: string | symbol, receiver: object): unknown {
  if (typeof name === 'symbol' || isLocalName(name)) return undefined
  // What every object has stays local too: printing or comparing a proxy must not call anyone.
  if (name in Object.prototype) return Reflect.get(Object.prototype, name, receiver)
  const method = (...args: unknown[]): Call<unknown> => target.call(name, args)
  define(receiver, name, method)
  return method
}

function define(client: object, name: string, value: unknown): void {
  Object.defineProperty(client, name, { value, enumerable: false })
}
