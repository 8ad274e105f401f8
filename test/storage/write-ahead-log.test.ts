import { describe, expect, test } from 'vitest'
import { seededRandom, VirtualDisk, VirtualProcess, VirtualTime } from '../../src/sim/index.ts'
import { type StreamWrite, WriteAheadLog, type WriteAheadLogOptions } from '../../src/storage/index.ts'
import { SMALL_LOG, settle } from './simulation.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const texts = (records: readonly Uint8Array[]): string[] =>
  records.map((record) => new TextDecoder().decode(record))

/** A log on a virtual disk whose time runs by itself as long as something is awaited. */
class Bench {
  readonly time = new VirtualTime()
  readonly disk: VirtualDisk
  readonly #seed: number
  #process: VirtualProcess

  constructor(seed = 1) {
    this.#seed = seed
    this.disk = new VirtualDisk(this.time, seededRandom(seed), { capacityBytes: 2 ** 26 })
    this.#process = this.#start()
  }

  #start(): VirtualProcess {
    return new VirtualProcess(this.time, this.disk, seededRandom(`process ${this.#seed}`))
  }

  async until<Result>(work: Promise<Result>): Promise<Result> {
    let isOver = false
    const note = (): void => {
      isOver = true
    }
    work.then(note, note)
    await this.time.run(settle, 100_000, () => isOver)
    expect(isOver, 'the work ends').toBe(true)
    return work
  }

  open(options: WriteAheadLogOptions = SMALL_LOG): Promise<WriteAheadLog> {
    return this.until(WriteAheadLog.open(this.#process.world, 'log', options))
  }

  async idle(): Promise<void> {
    await this.time.run(settle, 100)
  }

  restart(): void {
    this.#process.kill()
    this.#process = this.#start()
  }

  change(path: string, edit: (bytes: Uint8Array) => Uint8Array | undefined): void {
    const content = this.disk.contents(path)!
    this.disk.place(path, edit(content) ?? content)
  }
}

const FIRST = 'log/000000000001.wal'

describe('a stream', () => {
  test('gives back what was appended, from the index that was asked for', async () => {
    const bench = new Bench()
    const log = await bench.open()
    const stream = log.stream('orders')
    expect(await bench.until(stream.append([bytes('a'), bytes('b')]))).toBe(2)
    expect(await bench.until(stream.append([bytes('c')]))).toBe(3)
    expect(texts(await bench.until(stream.read(2, 3, 1000)))).toEqual(['b', 'c'])
    expect(texts(await bench.until(stream.read(1, 3, 1)))).toEqual(['a'])
    expect([stream.firstIndex, stream.lastIndex, stream.durableIndex]).toEqual([1, 3, 3])
    expect(log.streamNames()).toEqual(['orders'])
  })

  test('keeps its truncations at both ends over a restart', async () => {
    const bench = new Bench()
    const stream = (await bench.open()).stream('orders')
    await bench.until(stream.append(['a', 'b', 'c', 'd', 'e'].map(bytes)))
    await bench.until(stream.truncateSuffix(4))
    await bench.until(stream.truncatePrefix(2))
    bench.restart()
    const again = (await bench.open()).stream('orders')
    expect([again.firstIndex, again.lastIndex]).toEqual([3, 4])
    expect(texts(await bench.until(again.read(3, 9, 1000)))).toEqual(['c', 'd'])
    await expect(bench.until(again.read(2, 4, 1000))).rejects.toMatchObject({ code: 'STORAGE_NOT_KEPT' })
    await expect(bench.until(again.read(5, 9, 1000))).rejects.toMatchObject({ code: 'STORAGE_NOT_KEPT' })
    expect(await bench.until(again.append([bytes('f')]))).toBe(5)
  })

  test('goes on behind its end when it is let go beyond it, as after a snapshot from elsewhere', async () => {
    const bench = new Bench()
    const stream = (await bench.open()).stream('orders')
    await bench.until(stream.append([bytes('a')]))
    await bench.until(stream.truncatePrefix(100))
    bench.restart()
    const again = (await bench.open()).stream('orders')
    expect(await bench.until(again.append([bytes('b')]))).toBe(101)
  })

  test('replaces its state and its tail in one unit', async () => {
    const bench = new Bench()
    const stream = (await bench.open()).stream('group')
    await bench.until(stream.append(['a', 'b', 'c'].map(bytes)))
    const write: StreamWrite = { state: bytes('term 2'), truncateAfter: 1, records: [bytes('B')] }
    await bench.until(new Promise<void>((resolve) => stream.write(write, () => resolve())))
    bench.restart()
    const again = (await bench.open()).stream('group')
    expect(texts([again.state!])).toEqual(['term 2'])
    expect(texts(await bench.until(again.read(1, 9, 1000)))).toEqual(['a', 'B'])
  })

  test('is gone once it is dropped, and its name is free', async () => {
    const bench = new Bench()
    const log = await bench.open()
    await bench.until(log.stream('old').append([bytes('a')]))
    await bench.until(log.stream('old').drop())
    expect(log.streamNames()).toEqual([])
    expect(await bench.until(log.stream('old').append([bytes('new')]))).toBe(1)
    bench.restart()
    const again = (await bench.open()).stream('old')
    expect(texts(await bench.until(again.read(1, 1, 100)))).toEqual(['new'])
  })

  test.each(['constructor', '__proto__', 'toString', '键盘'])('may be called %s', async (name) => {
    const bench = new Bench()
    await bench.until((await bench.open()).stream(name).append([bytes('a')]))
    bench.restart()
    expect((await bench.open()).streamNames()).toEqual([name])
  })

  test('has a name of 1 to 255 bytes', async () => {
    const log = await new Bench().open()
    for (const name of ['', 'x'.repeat(256)])
      expect(() => log.stream(name)).toThrowError(expect.objectContaining({ code: 'STORAGE_TOO_LARGE' }))
  })
})

describe('a batch', () => {
  test('takes new states first, then consensus, then bulk', async () => {
    const bench = new Bench()
    const log = await bench.open()
    const ended: string[] = []
    const write = (name: string, priority: 'consensus' | 'bulk', state: boolean): void => {
      const note = (): void => void ended.push(name)
      log
        .stream(name, priority)
        .write({ ...(state && { state: bytes('s') }), records: [bytes('x'.repeat(1500))] }, note)
    }
    write('bulk', 'bulk', false)
    write('entries', 'consensus', false)
    write('more entries', 'consensus', false)
    write('vote', 'consensus', true)
    await bench.idle()
    expect(ended).toEqual(['vote', 'entries', 'more entries', 'bulk'])
  })

  test('keeps the order within a stream, also when a later write of it is urgent', async () => {
    const bench = new Bench()
    const stream = (await bench.open()).stream('group')
    const ended: number[] = []
    for (let i = 0; i < 6; i++)
      stream.write({ records: [bytes('x'.repeat(1500))], ...(i === 5 && { state: bytes('s') }) }, () =>
        ended.push(i),
      )
    await bench.idle()
    expect(ended).toEqual([0, 1, 2, 3, 4, 5])
  })

  test('holds what was asked for while the one before was on its way', async () => {
    const bench = new Bench()
    const log = await bench.open()
    const before = log.status().batches
    const writes = Array.from({ length: 50 }, (_, i) => log.stream(`s${i % 5}`).append([bytes(`${i}`)]))
    await bench.until(Promise.all(writes))
    expect(log.status().batches - before).toBe(1)
  })
})

describe('a write is refused at once', () => {
  const refusals: readonly [string, WriteAheadLogOptions, number, string][] = [
    ['that is larger than a batch', SMALL_LOG, 5000, 'STORAGE_TOO_LARGE'],
    ['when too much waits', { ...SMALL_LOG, maxPendingBytes: 2048 }, 3000, 'STORAGE_OVERLOADED'],
  ]
  test.each(refusals)('%s', async (_title, options, size, code) => {
    const log = await new Bench().open(options)
    const before = log.stream('s').lastIndex
    expect(() => log.stream('s').write({ records: [new Uint8Array(size)] }, () => undefined)).toThrowError(
      expect.objectContaining({ code, outcome: 'not-executed' }),
    )
    expect(log.stream('s').lastIndex).toBe(before)
  })

  test('after close', async () => {
    const bench = new Bench()
    const log = await bench.open()
    const last = log.stream('s').append([bytes('a')])
    await bench.until(log.close())
    await bench.until(log.close())
    expect(await last).toBe(1)
    await expect(log.stream('s').append([bytes('b')])).rejects.toMatchObject({ code: 'STORAGE_CLOSED' })
    await expect(log.stream('s').read(1, 1, 100)).rejects.toMatchObject({ code: 'STORAGE_CLOSED' })
  })

  test('the rest of a read that is under way when the log is closed', async () => {
    const bench = new Bench()
    const log = await bench.open()
    for (const text of ['a', 'b', 'c']) await bench.until(log.stream('s').append([bytes(text)]))
    const reading = log.stream('s').read(1, 3, 100)
    const refused = expect(reading).rejects.toMatchObject({ code: 'STORAGE_CLOSED' })
    await bench.until(log.close())
    await refused
  })
})

describe('open refuses', () => {
  async function written(): Promise<Bench> {
    const bench = new Bench()
    const log = await bench.open()
    for (let i = 0; i < 60; i++) await bench.until(log.stream('s').append([bytes(`record ${i}`)]))
    await bench.until(log.close())
    bench.restart()
    return bench
  }

  async function refusal(
    bench: Bench,
    options?: WriteAheadLogOptions,
  ): Promise<{ code: string; message: string }> {
    return bench.open(options).then(
      () => expect.fail('the log opened'),
      (error) => error,
    )
  }

  test('a folder that another process has open', async () => {
    const bench = new Bench()
    await bench.open()
    expect((await refusal(bench)).code).toBe('FILE_LOCKED')
  })

  test('a segment of a newer format, naming both versions', async () => {
    const bench = await written()
    bench.change(FIRST, (content) => void content.set([0, 9], 8))
    const { code, message } = await refusal(bench)
    expect(code).toBe('STORAGE_VERSION')
    expect(message).toContain('version 9; this fenbu reads 1')
  })

  test('a file that is not a segment', async () => {
    const bench = await written()
    bench.change(FIRST, (content) => content.fill(65))
    expect((await refusal(bench)).code).toBe('STORAGE_FOREIGN')
  })

  test('a segment of another log', async () => {
    const bench = await written()
    const other = new Bench(2)
    const log = await other.open()
    await other.until(log.stream('other').append([bytes('x')]))
    await other.idle()
    bench.disk.place('log/000000000003.wal', other.disk.contents('log/000000000002.wal')!)
    expect((await refusal(bench)).code).toMatch(/STORAGE_(FOREIGN|CORRUPT)/)
    bench.disk.place(FIRST, other.disk.contents(FIRST)!)
    expect((await refusal(bench)).code).toMatch(/STORAGE_(FOREIGN|CORRUPT)/)
  })

  test('a segment that was cut short, or is missing', async () => {
    const bench = await written()
    const whole = bench.disk.contents(FIRST)!
    bench.disk.place(FIRST, whole.subarray(0, 5000))
    expect((await refusal(bench)).message).toContain(FIRST)
    bench.disk.place('aside', whole)
    bench.disk.folder('log')!.change(['000000000001.wal', undefined])
    const { code, message } = await refusal(bench)
    expect([code, message]).toEqual(['STORAGE_CORRUPT', expect.stringContaining(`${FIRST} is missing`)])
  })

  test('damage, and leaves everything as it was', async () => {
    const bench = await written()
    bench.disk.flipBit(FIRST, 580, 0)
    const before = Buffer.from(bench.disk.contents(FIRST)!)
    const { code, message } = await refusal(bench)
    expect(code).toBe('STORAGE_CORRUPT')
    expect(message).toContain(`${FIRST}: damaged at byte 512`)
    expect(before.equals(bench.disk.contents(FIRST)!)).toBe(true)
  })

  test.each([
    { segmentBytes: 100 },
    { segmentBytes: 16385 },
    { maxBatchBytes: 10_000, segmentBytes: 16_384 },
    { maxLogBytes: 16_384, segmentBytes: 16_384, maxBatchBytes: 1024 },
    { markAfterMs: 0 },
    { segmentbytes: 16_384 },
  ])('the options %o', async (options) => {
    expect((await refusal(new Bench(), options as WriteAheadLogOptions)).code).toMatch(/^OPTION_/)
  })
})

test('a tail that nobody was told of is cut, even where an undamaged batch follows it', async () => {
  const bench = new Bench()
  const log = await bench.open()
  const stream = log.stream('s')
  for (let i = 0; i < 3; i++) await bench.until(stream.append([bytes(`record ${i}`)]))
  bench.restart()
  // Batch 3 is damaged, batch 2 was the last that anything calls durable; behind it stands what looks like batch 4,
  // written with batch 3 not durable yet.
  bench.change(FIRST, (content) => {
    const third = content.slice(1536, 2048)
    content.set(third, 2048)
    content.fill(0, 1536, 2048)
  })
  const again = (await bench.open()).stream('s')
  expect(texts(await bench.until(again.read(1, 9, 1000)))).toEqual(['record 0', 'record 1'])
  expect(
    bench.disk
      .contents(FIRST)!
      .subarray(2048, 2560)
      .every((byte) => byte === 0),
  ).toBe(true)
})

test('a record that looks like a batch is never taken for one', async () => {
  for (let seed = 1; seed <= 60; seed++) {
    const bench = new Bench()
    const log = await bench.open()
    await bench.until(log.stream('s').append([bytes('first')]))
    const genuine = bench.disk.contents(FIRST)!.slice(512, 1024)
    const forged = new Uint8Array(3000)
    // Whoever can read a batch can send it back, with a claim that much more was durable.
    for (let at = 0; at + 512 <= forged.length; at += 512) {
      forged.set(genuine, at)
      forged.set([0, 0, 0, 0, 0, 0, 0x10, 0], at + 24)
      forged.set(unseededCrc(forged.subarray(at, at + 60)), at + 60)
    }
    for (let shift = 0; shift < 512; shift += 37)
      log.stream('s').write({ records: [new Uint8Array(shift), forged] }, () => undefined)
    await settle()
    for (let i = 0; i < seed % 7; i++) {
      bench.time.runNext()
      await settle()
    }
    bench.disk.powerCut()
    bench.restart()
    const again = (await bench.open()).stream('s')
    expect(texts(await bench.until(again.read(1, 1, 10)))).toEqual(['first'])
  }
})

function unseededCrc(part: Uint8Array): Uint8Array {
  let crc = 0xffffffff
  for (const byte of part) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
  }
  const out = new Uint8Array(4)
  new DataView(out.buffer).setUint32(0, ~crc)
  return out
}

test('an append that follows the one before by a few turns does not wait for anything else', async () => {
  const bench = new Bench()
  const stream = (await bench.open()).stream('s')
  for (let turns = 0; turns < 9; turns++) {
    await bench.until(stream.append([bytes('a')]))
    await bench.idle()
    const before = bench.time.nowMs
    const both = stream.append([bytes('b')]).then(async () => {
      for (let i = 0; i < turns; i++) await undefined
      await stream.append([bytes('c')])
    })
    await bench.until(both)
    expect(bench.time.nowMs - before, `${turns} turns`).toBeLessThan(SMALL_LOG.markAfterMs!)
  }
})

describe('copying forward', () => {
  /** A slow stream with these records, and one that fills file after file and needs none of it. */
  async function pinned(records: readonly Uint8Array[], units: number): Promise<WriteAheadLog> {
    const bench = new Bench()
    const log = await bench.open({ ...SMALL_LOG, maxLogBytes: 12 * 16 * 1024 })
    const slow = log.stream('slow', 'bulk')
    for (let i = 0; i < units; i++) await bench.until(slow.append(records))
    const fast = log.stream('fast')
    for (let i = 0; i < 200; i++) {
      const last = await bench.until(fast.append([new Uint8Array(3800)]))
      await bench.until(fast.truncatePrefix(last))
    }
    const kept = await bench.until(slow.read(1, records.length * units, 2 ** 20))
    expect(kept).toEqual(Array.from({ length: units }, () => records).flat())
    return log
  }

  test('moves many small records, whose fields take more than they do', async () => {
    const log = await pinned(
      Array.from({ length: 500 }, () => new Uint8Array(1)),
      3,
    )
    expect(log.status().copiedRecords).toBeGreaterThanOrEqual(1500)
  })

  test('moves the largest record that is taken', async () => {
    const { maxRecordBytes } = (await new Bench().open()).stream('slow')
    const log = await pinned([new Uint8Array(maxRecordBytes).fill(1)], 2)
    expect(log.status().copiedRecords).toBeGreaterThanOrEqual(2)
  })

  test('moves records that were written with larger batches and files', async () => {
    const bench = new Bench()
    const large = { ...SMALL_LOG, segmentBytes: 256 * 1024, maxBatchBytes: 64 * 1024, maxLogBytes: 2 ** 22 }
    const slow = (await bench.open(large)).stream('slow', 'bulk')
    await bench.until(slow.append([new Uint8Array(60_000).fill(7)]))
    bench.restart()
    const log = await bench.open({ ...SMALL_LOG, maxLogBytes: 2 ** 21 })
    const fast = log.stream('fast')
    for (let i = 0; i < 300; i++)
      await bench.until(fast.truncatePrefix(await bench.until(fast.append([new Uint8Array(3800)]))))
    expect(await bench.until(log.stream('slow').read(1, 1, 1))).toEqual([new Uint8Array(60_000).fill(7)])
    expect(log.status().copiedRecords).toBeGreaterThan(0)
  })

  test('ends when a stream has let go of nothing', async () => {
    const bench = new Bench()
    const log = await bench.open()
    await bench.until(log.stream('still').truncatePrefix(0))
    const fast = log.stream('fast')
    for (let i = 0; i < 30; i++)
      await bench.until(fast.truncatePrefix(await bench.until(fast.append([new Uint8Array(3800)]))))
    await bench.idle()
    const { batches } = log.status()
    await bench.idle()
    expect(log.status().batches).toBe(batches)
  })
})

test('damage to the last batch is refused when only the file made after it tells that it was durable', async () => {
  const bench = new Bench()
  bench.disk.fault = (operation, path) =>
    operation === 'open' && path.includes('000000000002') ? 'full' : 'none'
  const log = await bench.open({ ...SMALL_LOG, markAfterMs: 60_000 })
  await bench.until(log.stream('s').append([bytes('first')]))
  await bench.until(log.stream('s').append([bytes('acknowledged')]))
  bench.disk.fault = () => 'none'
  // The log looks for space once a second, long before it would note anything by itself.
  await bench.time.run(settle, 1000, () => bench.time.nowMs > 3000)
  expect(bench.disk.list('log')).toEqual(['000000000001.wal', '000000000002.wal'])
  bench.disk.powerCut()
  bench.restart()
  bench.disk.flipBit(FIRST, 1024 + 70, 0)
  await expect(bench.open()).rejects.toMatchObject({
    code: 'STORAGE_CORRUPT',
    message: expect.stringContaining(FIRST),
  })
})

test('a log that was filled to the brim at once can still be told what to let go, and goes on', async () => {
  const bench = new Bench()
  const log = await bench.open({ ...SMALL_LOG, maxLogBytes: 8 * 16 * 1024 })
  const stream = log.stream('s')
  const ends: string[] = []
  for (let i = 0; i < 200; i++)
    stream.write({ records: [new Uint8Array(3000)] }, (error) => ends.push(error?.message ?? 'durable'))
  await bench.idle()
  expect(ends).toContain('durable')
  expect(ends.at(-1)).toContain('maxLogBytes')
  await bench.until(stream.truncatePrefix(stream.lastIndex))
  // It looks for space once a second.
  const laterMs = bench.time.nowMs + 3000
  bench.time.after(3000, () => undefined)
  await bench.time.run(settle, 1000, () => bench.time.nowMs >= laterMs)
  expect(log.status().bytes).toBeLessThan(4 * 16 * 1024)
  for (let i = 0; i < 20; i++) await bench.until(stream.append([new Uint8Array(3000)]))
})
