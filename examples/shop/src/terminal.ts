import { styleText } from 'node:util'

type Format = Parameters<typeof styleText>[0]

/** Output for people: coloured on a terminal, plain text in a pipe or when NO_COLOR is set. */
export interface Terminal {
  line(text?: string): void
  /** A heading above what follows. */
  heading(text: string): void
  /** A step that is done. */
  done(text: string): void
  warn(text: string): void
  /** Something that another process said. */
  from(source: string, text: string): void
  /** Replaces itself on a terminal; prints nothing in a pipe. */
  progress(text: string): void
  style(format: Format, text: string): string
}

export function createTerminal(stream: NodeJS.WriteStream = process.stdout): Terminal {
  const coloured = wantsColour(stream)
  let inProgress = false

  const style = (format: Format, text: string): string => (coloured ? styleText(format, text) : text)
  const line = (text = ''): void => {
    stream.write(`${inProgress ? CLEAR_LINE : ''}${text}\n`)
    inProgress = false
  }
  return {
    line,
    style,
    heading: (text) => line(`\n${style('bold', text)}`),
    done: (text) => line(`  ${style('green', '✓')} ${text}`),
    warn: (text) => line(`  ${style('yellow', '!')} ${text}`),
    from: (source, text) => line(`  ${style('dim', `${source.padEnd(9)}│`)} ${text}`),
    progress(text) {
      if (!stream.isTTY) return
      stream.write(`${CLEAR_LINE}  ${style('dim', text)}`)
      inProgress = true
    },
  }
}

const CLEAR_LINE = '\r\x1b[2K'

/** https://no-color.org, and FORCE_COLOR as in Node itself. */
function wantsColour(stream: NodeJS.WriteStream): boolean {
  const { NO_COLOR, FORCE_COLOR } = process.env
  if (FORCE_COLOR !== undefined) return FORCE_COLOR !== '0' && FORCE_COLOR !== 'false'
  return stream.isTTY === true && (NO_COLOR === undefined || NO_COLOR === '')
}
