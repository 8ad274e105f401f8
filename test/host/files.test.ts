import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Files } from '../../src/base/index.ts'
import { type NodeFiles, nodeFiles } from '../../src/host/index.ts'
import { seededRandom, VirtualDisk, VirtualTime } from '../../src/sim/index.ts'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'fenbu-files-'))
})
afterEach(() => rmSync(root, { recursive: true }))

interface Subject {
  readonly files: Files
  close(): Promise<void>
}

function realDisk(): Subject {
  const files = nodeFiles(root)
  return { files, close: () => files.close() }
}

/** Time runs by itself while the subject is open. */
function virtualDisk(): Subject {
  const time = new VirtualTime()
  const disk = new VirtualDisk(time, seededRandom(1))
  let isOpen = true
  const pump = (): void => {
    time.runNext()
    if (isOpen) setImmediate(pump)
  }
  pump()
  return {
    files: disk.mount().files,
    close: async () => {
      isOpen = false
    },
  }
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const textOf = (content: Uint8Array): string => new TextDecoder().decode(content)

describe.each([
  ['the real disk', realDisk],
  ['the virtual disk', virtualDisk],
])('files on %s', (_name, make) => {
  let subject: Subject
  let files: Files
  beforeEach(() => {
    subject = make()
    files = subject.files
  })
  afterEach(() => subject.close())

  test('are read back as they were written, in part too, and no further than their end', async () => {
    await files.makeFolder('a/b')
    const file = await files.open('a/b/c', 'create')
    await file.write(0, bytes('hello world'))
    await file.writeDurably(6, bytes('there'))
    await file.datasync()
    expect(await file.size()).toBe(11)
    expect(textOf(await file.read(0, 100))).toBe('hello there')
    expect(textOf(await file.read(6, 3))).toBe('the')
    expect((await file.read(50, 10)).length).toBe(0)
    await file.truncate(5)
    expect(textOf(await file.read(0, 100))).toBe('hello')
    await file.close()
    await file.close()
    const again = await files.open('a/b/c', 'read')
    expect(textOf(await again.read(0, 100))).toBe('hello')
    await again.close()
  })

  test('leave zeros where nothing was written', async () => {
    const file = await files.open('sparse', 'create')
    await file.write(100, bytes('x'))
    expect((await file.read(0, 100)).every((byte) => byte === 0)).toBe(true)
    await file.close()
  })

  test('are written as the buffer is when it is handed over, also a part of a larger one', async () => {
    const file = await files.open('part', 'create')
    const large = bytes('0123456789')
    await file.write(0, large.subarray(3, 6))
    await file.writeDurably(3, large.subarray(0, 2))
    expect(textOf(await file.read(0, 10))).toBe('34501')
    expect(textOf(large), 'the caller keeps its buffer').toBe('0123456789')
    await file.close()
  })

  test('are listed by name, renamed in one step over another, and removed', async () => {
    await files.makeFolder('f')
    for (const name of ['f/b', 'f/a', 'f/c']) await (await files.open(name, 'create')).close()
    const file = await files.open('f/c', 'write')
    await file.write(0, bytes('new'))
    await file.close()
    await files.rename('f/c', 'f/a')
    await files.syncFolder('f')
    expect(await files.list('f')).toEqual(['a', 'b'])
    const renamed = await files.open('f/a', 'read')
    expect(textOf(await renamed.read(0, 10))).toBe('new')
    await renamed.close()
    await files.remove('f/a')
    expect(await files.list('f')).toEqual(['b'])
    expect(await files.list('nowhere')).toEqual([])
    expect(await files.freeBytes('f')).toBeGreaterThan(0)
  })

  test('say in their errors what was wrong', async () => {
    await expect(files.open('missing', 'read')).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' })
    await expect(files.open('missing', 'write')).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' })
    await expect(files.remove('missing')).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' })
    const file = await files.open('there', 'create')
    await expect(files.open('there', 'create')).rejects.toMatchObject({ code: 'FILE_EXISTS' })
    await file.close()
    await expect(file.write(0, bytes('x'))).rejects.toMatchObject({ code: 'FILE_CLOSED' })
    await expect(file.writeDurably(0, bytes('x'))).rejects.toMatchObject({ code: 'FILE_CLOSED' })
  })

  test('are in a folder that one holder at a time can claim', async () => {
    await files.makeFolder('f')
    const lock = await files.lock('f')
    await expect(files.lock('f')).rejects.toMatchObject({ code: 'FILE_LOCKED' })
    await lock.release()
    await (await files.lock('f')).release()
  })
})

describe('a real folder', () => {
  let files: NodeFiles
  beforeEach(() => {
    files = nodeFiles(root)
  })
  const children: ReturnType<typeof spawn>[] = []
  afterEach(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL')
    await files.close()
  })

  /** Another process that claims the folder, says so, and stays. */
  async function otherHolder(): Promise<ReturnType<typeof spawn>> {
    const program = `import { nodeFiles } from ${JSON.stringify(join(process.cwd(), 'dist/host/index.js'))}
      const files = nodeFiles(${JSON.stringify(root)})
      await files.lock('.').then(() => console.log('held'), (error) => console.log(error.code))
      setInterval(() => {}, 1000)`
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    children.push(child)
    const [said] = await once(child.stdout!, 'data')
    expect(String(said).trim()).toBe('held')
    return child
  }

  test('is not claimed while another process lives that holds it, and is once it was killed', async () => {
    const child = await otherHolder()
    await expect(files.lock('.')).rejects.toMatchObject({
      code: 'FILE_LOCKED',
      message: expect.stringContaining(`process ${child.pid}`),
    })
    child.kill('SIGKILL')
    await once(child, 'exit')
    const lock = await files.lock('.')
    await lock.release()
    expect(readdirSync(root), 'old claims are cleared away').toHaveLength(1)
  })

  test('is claimed by one of many that find the holder dead at the same moment', async () => {
    writeClaim('lock.7', { ...(await ownClaim()), pid: 999_999_999 })
    const others = Array.from({ length: 4 }, () => nodeFiles(root))
    const claims = await Promise.allSettled([files, ...others].map((each) => each.lock('.')))
    expect(claims.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    for (const claim of claims)
      if (claim.status === 'rejected') expect(claim.reason).toMatchObject({ code: 'FILE_LOCKED' })
    await Promise.all(others.map((each) => each.close()))
  })

  /** What this process writes into a claim. */
  async function ownClaim(): Promise<Record<string, unknown>> {
    const lock = await files.lock('.')
    const [name] = readdirSync(root)
    const claim = JSON.parse(readFileSync(join(root, name!), 'utf8'))
    await lock.release()
    return claim
  }

  function writeClaim(name: string, claim: Record<string, unknown>): void {
    writeFileSync(join(root, name), JSON.stringify(claim))
  }

  test('is claimed over a claim of a process with the same number that started at another time', async () => {
    writeClaim('lock.7', { ...(await ownClaim()), start: '1' })
    if (process.platform === 'linux') await (await files.lock('.')).release()
  })

  test('is claimed from a holder that cannot be seen from here once that shows no life for a while', async () => {
    writeClaim('lock.7', {
      ...(await ownClaim()),
      boot: 'another',
      namespace: 'a container',
      machine: 'another',
    })
    const startedMs = performance.now()
    await (await files.lock('.')).release()
    expect(performance.now() - startedMs).toBeGreaterThan(4500)
  })

  test('is not claimed from a holder that cannot be seen from here, had it the same number, while it lives', async () => {
    const claim: Record<string, unknown> = {
      ...(await ownClaim()),
      namespace: 'another container',
      start: '1',
    }
    writeClaim('lock.7', claim)
    let beat = 1
    const beating = setInterval(() => writeClaim('lock.7', { ...claim, beat: beat++ }), 200)
    await expect(files.lock('.')).rejects.toMatchObject({
      code: 'FILE_LOCKED',
      message: expect.stringContaining(`process ${process.pid}`),
    })
    clearInterval(beating)
  })

  test('that is held says so again every second', async () => {
    const lock = await files.lock('.')
    const path = join(root, readdirSync(root)[0]!)
    const first = readFileSync(path, 'utf8')
    await expect.poll(() => readFileSync(path, 'utf8'), { timeout: 10_000 }).not.toBe(first)
    expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({ pid: process.pid })
    await lock.release()
  })

  test('takes no more durable writes of a holder whose claim was taken over', async () => {
    await files.lock('.')
    const file = await files.open('data', 'create')
    await file.writeDurably(0, bytes('mine'))
    const name = readdirSync(root).find((each) => each.startsWith('lock.'))!
    writeClaim(`lock.${Number(name.slice(5)) + 1}`, {})
    const write = (): Promise<unknown> => file.writeDurably(0, bytes('mine')).catch((error) => error.code)
    await expect.poll(write, { timeout: 10_000 }).toMatch(/^FILE_/)
    expect(await write()).toMatch(/^FILE_/)
  })

  test('that cannot be reached is reported with what the system said', async () => {
    writeFileSync(join(root, 'file'), '')
    const error = await files.open('file/below', 'create').catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'FILE_FAILED', cause: { code: 'ENOTDIR' } })
  })

  test('answers nothing more once it is closed, and closing twice is fine', async () => {
    const file = await files.open('a', 'create')
    await files.close()
    await files.close()
    await expect(file.write(0, bytes('x'))).rejects.toMatchObject({ code: 'FILE_CLOSED' })
    await expect(files.list('.')).rejects.toMatchObject({ code: 'FILE_CLOSED' })
  })

  test('does not keep a process alive that is done with it', async () => {
    const program = `import { nodeFiles } from ${JSON.stringify(join(process.cwd(), 'dist/host/index.js'))}
      const files = nodeFiles(${JSON.stringify(root)})
      console.log((await files.list('.')).length)`
    const child = spawn(process.execPath, ['--input-type=module', '-e', program])
    const [code] = await once(child, 'exit')
    expect(code).toBe(0)
  })
})
