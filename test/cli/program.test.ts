import { Command } from 'commander'
import t from 'tap'
import type { Commands } from '../../src/cli/program.ts'
import { sandboxCommand } from '../../src/cli/sandbox.ts'
import { knobs, variableOf } from '../../src/knobs.ts'
import { cli as command } from '../support/cli.ts'

const cli = (args: readonly string[], env: Readonly<Record<string, string>> = {}, extras: Commands = {}) =>
  command(args, { env, extras })

t.test('the version, for people and for programs', async (t) => {
  t.match(await cli(['version']), { out: 'tidewaiter 1.2.3\n', code: 0 })
  t.match(await cli(['version', '-o', 'json']), { out: '{"version":"1.2.3"}\n' })
  t.match(await cli(['version', '-o', 'yaml']), { err: /--output must be text or json, got "yaml"/, code: 2 })
  t.match(await cli(['--version']), { out: '1.2.3\n', code: 0 })
})

t.test('help is no error, and names the exit codes', async (t) => {
  t.match(await cli(['--help']), { out: /Exit codes: 0 yes, 1 no/, code: 0 })
  t.match(await cli(['serve', '--help']), { out: /--velero-namespace/, code: 0 })
})

t.test('what cannot be understood is usage: 2', async (t) => {
  for (const args of [
    [],
    ['plugins'],
    ['sink'],
    ['serve', '--nothing'],
    ['serve', '--listen'],
    ['version', 'x'],
  ])
    t.match(await cli(args), { code: 2, err: /./ }, args.join(' '))
})

for (const [line, want] of Object.entries({
  sink: 'sink is no command: there is serve, plan, decisions, runs, holds, actions, cooldowns, dashboard, keys, helm-values, preflight, plugins, uninstall, version, sandbox',
  'plugins lst': 'lst is no command: did you mean list?',
  'plugins list --namespce x': '--namespce is no option of plugins list: did you mean --namespace?',
  serv: 'serv is no command: did you mean serve?',
  'serve --listen': '--listen wants ADDRESS, got nothing',
  'serve --lisen :1': '--lisen is no option of serve: did you mean --listen?',
  'serve now': 'serve takes options only, got the word "now"',
  'serve --listen x': '--listen must be [HOST]:PORT, got "x"',
  'version x': 'version takes options only, got the word "x"',
  'version -o yaml': '--output must be text or json, got "yaml"',
  'sandbox --api-listen here': '--api-listen must be [HOST]:PORT, got "here"',
  'sandbox --only-clusters': '--only-clusters is no option of sandbox: did you mean --only-cluster?',
}))
  t.test(`usage errors of all commands read alike: ${line}`, async (t) => {
    const [command = ''] = line.split(' ')
    const help = line.startsWith('plugins list')
      ? 'tidewaiter plugins list'
      : ['serve', 'plugins', 'version', 'sandbox'].includes(command)
        ? `tidewaiter ${command}`
        : 'tidewaiter'
    const { err, out, code } = await cli(line.split(' '), {}, { sandbox: async () => sandboxCommand })
    t.same(
      { err, out, code },
      { err: `tidewaiter: ${want}\nRun \`${help} --help\` for what there is.\n`, out: '', code: 2 },
    )
  })

t.test('everything that is wrong with a command line and its environment is told at once', async (t) => {
  const args = [
    'serve',
    '--lisen=:1',
    '--roles',
    'cook',
    'now',
    '--egress-only',
    '0x7f.1',
    '--log-level',
    'loud',
  ]
  const { err, code } = await cli(args, { TIDEWAITER_DRAIN_SECONDS: '-1', TIDEWAITER_LISTNE: ':1' })
  t.equal(code, 2)
  t.same(
    err.split('\n').map((line) => line.replace('tidewaiter: ', '').split(' ').slice(0, 4).join(' ')),
    [
      '--roles must be one',
      '--drain-seconds must be a',
      '--log-level must be one',
      '--egress-only must be HOST,',
      '--lisen is no option',
      'serve takes options only,',
      'the environment variable TIDEWAITER_LISTNE',
      'Run `tidewaiter serve --help`',
      '',
    ],
  )
})

t.test('a variable that no setting has keeps nothing from starting, and is told in the log', async (t) => {
  // The exit is of the address, not of the variable.
  const env = { TIDEWAITER_LISTNE: ':1' }
  t.match(await cli(['serve', '--metrics-listen', '192.0.2.1:1', '--log-level', 'error'], env), {
    code: 4,
    err: /^tidewaiter: --metrics-listen 192.0.2.1:1 cannot be listened on[^\n]*\n$/,
  })
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
  const extra = async () => () => new Command('sandbox').action(() => {})
  t.match(await cli(['sandbox'], {}, { sandbox: extra }), { code: 0, err: '' })
})
