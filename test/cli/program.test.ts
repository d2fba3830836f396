import { Command } from 'commander'
import t from 'tap'
import { run } from '../../src/cli/program.ts'
import { knobs, variableOf } from '../../src/config.ts'

async function cli(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  extras: Parameters<typeof run>[2] = [],
) {
  const seen = { out: '', err: '', code: 0 }
  const world = {
    env,
    version: '1.2.3',
    hostname: 'host',
    stdout: (text: string) => void (seen.out += text),
    stderr: (text: string) => void (seen.err += text),
    onStop: () => {},
    exitCode: (code: number) => void (seen.code = code),
  }
  await run(args, world, extras)
  return seen
}

t.test('the version, for people and for programs', async (t) => {
  t.match(await cli(['version']), { out: 'tidewaiter 1.2.3\n', code: 0 })
  t.match(await cli(['version', '-o', 'json']), { out: '{"version":"1.2.3"}\n' })
  t.match(await cli(['version', '-o', 'yaml']), { err: /-o must be text or json, got "yaml"/, code: 2 })
  t.match(await cli(['--version']), { out: '1.2.3\n', code: 0 })
})

t.test('help is no error, and names the exit codes', async (t) => {
  t.match(await cli(['--help']), { out: /Exit codes: 0 yes, 1 no/, code: 0 })
  t.match(await cli(['serve', '--help']), { out: /--velero-namespace/, code: 0 })
})

t.test('what cannot be understood is usage: 2', async (t) => {
  for (const args of [[], ['sink'], ['serve', '--nothing'], ['serve', '--listen'], ['version', 'x']])
    t.match(await cli(args), { code: 2, err: /./ }, args.join(' '))
})

t.test('a bad flag, or variable, of serve is usage, and named', async (t) => {
  t.match(await cli(['serve', '--listen', 'x']), {
    code: 2,
    err: /--listen must be \[HOST\]:PORT, got "x"\n.*--help/s,
  })
  t.match(await cli(['serve'], { TIDEWAITER_LOG_LEVEL: 'loud' }), { code: 2, err: /--log-level must/ })
  t.match(await cli(['serve', '--egress-allow', '10.0.0.0/8', '--egress-only', '0x7f.1']), {
    code: 2,
    err: /--egress-allow must be HOST or ADDRESS.*"10.0.0.0\/8".*--egress-only must be .*"0x7f.1"/s,
  })
})

t.test('a process that cannot start says why and ends with 4', async (t) => {
  t.match(await cli(['serve', '--metrics-listen', '192.0.2.1:1']), {
    code: 4,
    err: /--metrics-listen 192.0.2.1:1 cannot be listened on/,
  })
})

t.test('every knob is a flag of serve with its variable and its default', async (t) => {
  const { out } = await cli(['serve', '--help'])
  const words = out.replaceAll(/\s+/g, ' ')
  for (const { flag, value, fallback } of knobs) {
    t.ok(words.includes(`--${flag} <${value}>`), flag)
    t.ok(words.includes(`[${variableOf(flag)}]`), variableOf(flag))
    t.ok(fallback === '' || words.includes(`(default: ${fallback})`), `${flag} ${fallback}`)
  }
})

t.test('other builds add their commands', async (t) => {
  const extra = () => new Command('sandbox').action(() => {})
  t.match(await cli(['sandbox'], {}, [extra]), { code: 0, err: '' })
})
