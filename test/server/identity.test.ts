import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type NodeFiles, nodeFiles } from '../../src/host/index.ts'
import { decodeIdentity, encodeIdentity, openIdentity } from '../../src/server/identity.ts'

describe('the identity of a data folder', () => {
  it('is made once and read ever after', async () => {
    const { files, folder } = await emptyFolder()
    const made = await openIdentity(files, folder)
    expect(made.clusterId).toMatch(/^[0-9a-f]{32}$/)
    expect(await openIdentity(files, folder)).toEqual(made)
    expect(await files.list('.')).toEqual(['identity.json'])
  })

  it('differs between folders', async () => {
    const one = await emptyFolder()
    const other = await emptyFolder()
    const [a, b] = [await openIdentity(one.files, one.folder), await openIdentity(other.files, other.folder)]
    expect(new Set([a.clusterId, b.clusterId, a.nodeId, b.nodeId, a.incarnation, b.incarnation]).size).toBe(6)
  })

  it('is made anew over one that was never finished', async () => {
    const { files, folder } = await emptyFolder()
    await writeFile(join(folder, 'identity.json.new'), '{"form')
    const made = await openIdentity(files, folder)
    expect(await openIdentity(files, folder)).toEqual(made)
  })

  it('is refused to a folder that holds something else', async () => {
    const { files, folder } = await emptyFolder()
    await writeFile(join(folder, 'photo.jpg'), 'x')
    await expect(openIdentity(files, folder)).rejects.toMatchObject({
      code: 'SERVER_DATA_FOREIGN',
      message: expect.stringContaining('photo.jpg'),
    })
  })

  it('is never guessed from a damaged file', async () => {
    const { files, folder } = await emptyFolder()
    await openIdentity(files, folder)
    const file = join(folder, 'identity.json')
    const text = await readFile(file, 'utf8')
    await writeFile(file, text.slice(0, -20))
    await expect(openIdentity(files, folder)).rejects.toMatchObject({ code: 'SERVER_IDENTITY_CORRUPT' })
  })

  it('has no character that could change unnoticed', () => {
    const identity = { clusterId: 'a1'.repeat(16), nodeId: 'b2'.repeat(8), incarnation: 'c3'.repeat(8) }
    const text = encodeIdentity(identity)
    expect(decodeIdentity(text, 'f')).toEqual(identity)
    fc.assert(
      fc.property(
        fc.nat(text.trimEnd().length - 1),
        fc.constantFrom('0', '9', 'f', 'x', '"'),
        (at, other) => {
          const changed = text.slice(0, at) + other + text.slice(at + 1)
          fc.pre(changed !== text)
          expect(() => decodeIdentity(changed, 'f')).toThrow(
            expect.objectContaining({ code: 'SERVER_IDENTITY_CORRUPT' }),
          )
        },
      ),
    )
  })
})

async function emptyFolder(): Promise<{ files: NodeFiles; folder: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'fenbu-identity-'))
  const files = nodeFiles(folder)
  onTestFinished(async () => {
    await files.close()
    await rm(folder, { recursive: true, force: true })
  })
  return { files, folder }
}
