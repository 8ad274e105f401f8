import type { CoordinationClient } from '../coordination/client/index.ts'
import { engineError } from './errors.ts'

type ClientState = CoordinationClient['state']

/**
 * One user's handle of a client that several share. Closing it ends this use: the others go on, and calls made with
 * it afterwards fail with `ENGINE_CLOSED`. The session ends with its last user.
 */
export class SharedClient implements CoordinationClient {
  readonly #client: CoordinationClient
  readonly #release: () => Promise<void>
  readonly #listeners = new Map<(state: ClientState) => void, () => void>()
  #closing: Promise<void> | undefined

  constructor(client: CoordinationClient, release: () => Promise<void>) {
    this.#client = client
    this.#release = release
  }

  get state(): ClientState {
    return this.#closing ? 'closed' : this.#client.state
  }

  get session(): CoordinationClient['session'] {
    return this.#closing ? undefined : this.#client.session
  }

  onState(listener: (state: ClientState) => void): () => void {
    // A wrapper of its own, so that the same function subscribed twice is called twice and removed once.
    const own = (state: ClientState): void => listener(state)
    if (!this.#closing) this.#listeners.set(own, this.#client.onState(own))
    return () => {
      this.#listeners.get(own)?.()
      this.#listeners.delete(own)
    }
  }

  ready: CoordinationClient['ready'] = async (...args) => this.#open('ready').ready(...args)
  create: CoordinationClient['create'] = async (...args) => this.#open('create').create(...args)
  delete: CoordinationClient['delete'] = async (...args) => this.#open('delete').delete(...args)
  exists: CoordinationClient['exists'] = async (...args) => this.#open('exists').exists(...args)
  get: CoordinationClient['get'] = async (...args) => this.#open('get').get(...args)
  set: CoordinationClient['set'] = async (...args) => this.#open('set').set(...args)
  children: CoordinationClient['children'] = async (...args) => this.#open('children').children(...args)
  multi: CoordinationClient['multi'] = async (...args) => this.#open('multi').multi(...args)
  sync: CoordinationClient['sync'] = async (...args) => this.#open('sync').sync(...args)
  call: CoordinationClient['call'] = async (...args) => this.#open('call').call(...args)
  serverVersion: CoordinationClient['serverVersion'] = async (...args) =>
    this.#open('serverVersion').serverVersion(...args)

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    const listeners = [...this.#listeners]
    this.#listeners.clear()
    for (const [, unsubscribe] of listeners) unsubscribe()
    const released = this.#release()
    for (const [listener] of listeners) listener('closed')
    await released
  }

  #open(what: string): CoordinationClient {
    if (this.#closing)
      throw engineError('ENGINE_CLOSED', `${what}: this handle of the coordination client was closed`)
    return this.#client
  }
}
