import type { Tree } from '../tree.ts'
import { ERROR_CODE } from '../wire/error-code.ts'
import { long, nothing, record, ustring, vector } from '../wire/jute.ts'
import { EVENT_TYPE } from '../wire/watch-event.ts'
import { type Zxid, zxidFromBigint } from '../zxid.ts'
import type { ReadContext, ReadOperation } from './operation.ts'

export interface SetWatchesRequest {
  /** The last zxid that the client saw: what changed after it was missed. */
  readonly relativeZxid: bigint
  readonly data: readonly string[]
  /** Watched for their creation: by an exists that found nothing. */
  readonly exist: readonly string[]
  readonly children: readonly string[]
}

/** After a reconnection: each watch is either set again or, if its event was missed, fires at once. */
export const setWatches: ReadOperation<SetWatchesRequest, undefined> = {
  name: 'setWatches',
  code: 101,
  kind: 'watch',
  request: record('SetWatchesRequest', {
    relativeZxid: long,
    data: vector(ustring),
    exist: vector(ustring),
    children: vector(ustring),
  }),
  reply: nothing,
  errors: [],
  read(request, tree, context) {
    const seen = zxidFromBigint(request.relativeZxid)
    for (const path of request.data) watchData(path, seen, tree, context)
    for (const path of request.exist) watchCreation(path, tree, context)
    for (const path of request.children) watchChildren(path, seen, tree, context)
    return ERROR_CODE.OK
  },
}

function watchData(path: string, seen: Zxid, tree: Tree, context: ReadContext): void {
  const node = tree.get(path)
  if (node === undefined) context.notify(EVENT_TYPE.DELETED, path)
  else if (node.changedAfter(seen)) context.notify(EVENT_TYPE.DATA_CHANGED, path)
  else context.watchData(path)
}

function watchCreation(path: string, tree: Tree, context: ReadContext): void {
  if (tree.get(path) === undefined) context.watchData(path)
  else context.notify(EVENT_TYPE.CREATED, path)
}

function watchChildren(path: string, seen: Zxid, tree: Tree, context: ReadContext): void {
  const node = tree.get(path)
  if (node === undefined) context.notify(EVENT_TYPE.DELETED, path)
  else if (node.childrenChangedAfter(seen)) context.notify(EVENT_TYPE.CHILDREN_CHANGED, path)
  else context.watchChildren(path)
}
