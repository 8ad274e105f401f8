import { expectTypeOf, it } from 'vitest'
import type { Call, Client, RpcClient, RpcServer } from '../../src/rpc/index.ts'

interface Order {
  readonly id: string
}

class Orders {
  readonly name = 'orders'
  #count = 0
  private audit(): number {
    return this.#count
  }
  protected check(): boolean {
    return this.audit() > 0
  }
  buy(_item: string, _quantity?: number): Promise<Order> {
    return Promise.resolve({ id: '' })
  }
  count(): number {
    return this.#count
  }
  watch(_id: string): AsyncIterable<Order> {
    throw new Error('never called')
  }
  with(_x: number): number {
    return 1
  }
  toJSON(): string {
    return ''
  }
}

type Remote = Client<Orders>

it('the methods of a service are calls, whether they return promises or values', () => {
  expectTypeOf<Remote['buy']>().parameters.toEqualTypeOf<[_item: string, _quantity?: number | undefined]>()
  expectTypeOf<Remote['buy']>().returns.resolves.toEqualTypeOf<Order>()
  expectTypeOf<Remote['count']>().returns.resolves.toEqualTypeOf<number>()
})

it('a method that streams is iterated', () => {
  expectTypeOf<Remote['watch']>().returns.toEqualTypeOf<AsyncIterable<Order>>()
})

it('private and protected members, fields and local names are not remote', () => {
  expectTypeOf<keyof Remote>().toEqualTypeOf<'buy' | 'count' | 'watch' | 'with'>()
  expectTypeOf<Remote['with']>().returns.toEqualTypeOf<Remote>()
  expectTypeOf<Remote>().not.toHaveProperty('audit')
  expectTypeOf<Remote>().not.toHaveProperty('check')
  expectTypeOf<Remote>().not.toHaveProperty('name')
})

it('wrong arguments and wrong names do not compile', () => {
  const check = (orders: Remote, client: RpcClient, server: RpcServer): void => {
    void orders.buy('HHKB键盘', 1)
    // @ts-expect-error an item is a text
    void orders.buy(1)
    // @ts-expect-error too many arguments
    void orders.buy('x', 1, 2)
    // @ts-expect-error no such method
    void orders.sell('x')
    // @ts-expect-error a proxy cannot be written to
    orders.buy = async () => ({ id: '' })
    void client.service<Orders>('order', { idempotent: ['buy'] })
    // @ts-expect-error not a method of the service
    void client.service<Orders>('order', { idempotent: ['name'] })
    void server.provide('order', new Orders(), { methods: ['buy', 'count'] })
    // @ts-expect-error private means nothing at run time, so it cannot be offered by mistake
    void server.provide('order', new Orders(), { methods: ['audit'] })
    // @ts-expect-error a field is not a method
    void server.provide('order', new Orders(), { methods: ['name'] })
    // @ts-expect-error options of the same shape everywhere
    void orders.with({ timeout: 5 })
  }
  expectTypeOf(check).toBeFunction()
})

it('an interface serves as well as a class, and generic results stay what they are', () => {
  interface Generic {
    pair<A, B>(a: A, b: B): [A, B]
    optional?(x: number): Promise<void>
  }
  expectTypeOf<keyof Client<Generic>>().toEqualTypeOf<'pair' | 'optional' | 'with'>()
  expectTypeOf<Client<Generic>['optional']>().parameters.toEqualTypeOf<[x: number]>()
})

it('a generic invocation is a promise of what nobody knows', () => {
  expectTypeOf<RpcClient['invoke']>().returns.toEqualTypeOf<Call<unknown>>()
  expectTypeOf<RpcClient['invoke']>().returns.resolves.toEqualTypeOf<unknown>()
})
