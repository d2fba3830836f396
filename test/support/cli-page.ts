/** docs/cli.md: the commands in the words of their own help, so that the page cannot say anything else. */
import type { Command } from 'commander'
import { programOf } from '../../src/cli/program.ts'
import { sandboxCommand } from '../../src/cli/sandbox.ts'

const silent = {
  env: {},
  version: '',
  hostname: '',
  stdin: async function* () {},
  ask: async () => '',
  isTerminal: () => false,
  stdout: () => {},
  stderr: () => {},
  onStop: () => {},
  exitCode: () => {},
  columns: () => 120,
}

/** Every command with its whole name; of groups, the commands in them. */
function all(command: Command, before: string): readonly (readonly [string, Command])[] {
  return command.commands.flatMap((one) => {
    const name = `${before} ${one.name()}`
    return one.commands.length > 0 ? all(one, name) : [[name, one] as const]
  })
}

// The flags of serve have a page of their own.
const told = (name: string, command: Command): string =>
  name === 'tidewaiter serve'
    ? `${capital(command.description())}. Its flags: [Flags of tidewaiter serve](reference/serve.md).`
    : `\`\`\`text\n${helpOf(command)}\n\`\`\``

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)

/** All that --help prints, what is said after the flags too. */
function helpOf(command: Command): string {
  let text = ''
  command
    .configureOutput({ writeOut: (more) => void (text += more), getOutHelpWidth: () => 120 })
    .outputHelp()
  return text.trimEnd()
}

const before = `# The command line

In a checkout, \`npm run tidewaiter -- plan --help\` is \`tidewaiter plan --help\` (with \`-s\` after \`run\`, npm itself says nothing). After
\`npm run build && npm link\` the program \`tidewaiter\` is on the \`PATH\`; it needs Node 24 there.

Every command is also one of a plugin of kubectl: \`npm link\` (or a link by hand to the program as \`kubectl-tidewaiter\` in a folder of
\`PATH\`) makes \`kubectl tidewaiter runs list\` of \`tidewaiter runs list\`.

- **Who asks.** \`plan\`, \`runs\`, \`actions\` and \`holds\` ask the cluster of the kubeconfig as its user, and need no pod of ours. Whoever
  may view Velero's namespace may look ([rights](rbac.md)). \`plan\` also reads Velero's storage locations, and the Schedule or the Backup
  that an object names, and asks for a dry run of the creation (\`create\`) to see whether all fields are known; \`holds\` reads Backups,
  Restores and Velero's Deployment. To end a hold takes the verb \`release\`: [Holds](hold.md).
  \`actions adopt\` writes, and needs \`patch\` on Actions; \`uninstall\` asks beforehand for the rights that it needs.
- **Output.** Data goes to standard output, everything else to standard error. \`-o table\` (the default), \`wide\`, \`json\`, \`yaml\` or
  \`name\`. In a pipe nothing is cut, and each row is one line; on a terminal no line is longer than it. \`json\` and \`yaml\` of
  \`runs\` are the objects as the API server holds them; times are UTC.
- **Terminals.** Colours only on a terminal, and not with \`NO_COLOR\` or \`TERM=dumb\`; bars are drawn in ASCII where the locale is not
  UTF-8. Control characters in what others wrote are shown as escapes (\`\\u001b\`), never obeyed.
- **Exit codes.** 0 yes, 1 no (a refusal, a failed check, nothing of that name), 2 usage, 3 the cluster could not be asked, 4 could not
  start (kubeconfig, port, rights), or a file could not be read. A pipe that is closed early (\`| head -1\`) is no error: 0.
`

const program = await programOf(silent, { sandbox: async () => sandboxCommand })

/** The page, without the mark of a generated file. */
export function cliPage(): string {
  const sections = all(program, program.name()).map(
    ([name, command]) => `## ${name}\n\n${told(name, command)}\n`,
  )
  return [before, ...sections].join('\n')
}
