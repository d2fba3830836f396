/** What the terminal says: who is here, what happens, and what to try next. */
import { demoActions, names, type Attempt, type Demo, type Made } from './demo.ts'
import { at, textAt } from './apiserver/json.ts'
import { plain, wrapped, type Paint } from './paint.ts'
import type { Shop, ShopCall } from './shop.ts'

/** Writes to the terminal. */
export type Say = (text: string) => void

/** Who tells, and how. */
export type Teller = { readonly say: Say; readonly paint: Paint }

/** What there is in this run. */
export type Scenery = {
  readonly version: string
  readonly api: string
  readonly kubeconfig: string
  readonly webhook: string | undefined
  readonly metrics: string | undefined
  readonly dashboard: string | undefined
  readonly shop: string | undefined
  readonly log: string | undefined
  readonly readyMs: number
}

/** Tells what there is. */
export function tellScenery(teller: Teller, scenery: Scenery): void {
  const { say, paint } = teller
  const { version, api, kubeconfig, webhook, metrics, dashboard, shop, log, readyMs } = scenery
  say(
    `\n${paint.bold(`Tidewaiter ${version}, in a sandbox`)}: a Kubernetes API and a stand-in for Velero, in this process.\n\n`,
  )
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['API server', api],
    ['kubeconfig', kubeconfig],
    ['webhooks', webhook],
    ['metrics', metrics],
    ['dashboard', dashboard],
    ['shop', shop === undefined ? undefined : `${shop}   (the application of the demo)`],
    ['log', log],
  ]
  for (const [what, value] of rows) if (value !== undefined) say(`  ${what.padEnd(12)}${value}\n`)
  say(paint.dim(`  ready after ${seconds(readyMs)}\n`))
}

/** Plays the demo and tells it. Throws when it does not go as it must. */
export async function tellDemo(teller: Teller, demo: Demo, shop: Shop): Promise<void> {
  const play = { teller, demo, shop }
  await tellActions(play)
  await tellRefusal(play)
  await tellBackup(play)
  await tellRestore(play)
}

type Play = { readonly teller: Teller; readonly demo: Demo; readonly shop: Shop }

const monday: Made = { kind: 'Backup', name: 'monday', spec: { includedNamespaces: ['shop'] } }
const back: Made = { kind: 'Restore', name: 'monday-back', spec: { backupName: 'monday' } }

const moments: Readonly<Record<string, string>> = {
  PreBackup: 'before a Backup starts, or it does not',
  PostBackup: 'after it has ended',
  PreRestore: 'before a Restore starts, or it does not',
  PostRestore: 'after it has ended',
}

async function tellActions({ teller: { say, paint }, demo, shop }: Play): Promise<void> {
  say(`\n${paint.bold('1. Four Actions')} for Backups and Restores that touch the namespace shop\n`)
  for (const action of demoActions(shop.url)) {
    const name = textAt(action, 'metadata', 'name').padEnd(17)
    const when = paint.dim(moments[textAt(action, 'spec', 'stage')] ?? '')
    say(`   ${name} POST ${textAt(at(action, 'spec'), 'http', 'url').padEnd(30)} ${when}\n`)
  }
  await demo.actions()
}

async function tellRefusal({ teller, demo, shop }: Play): Promise<void> {
  const { say, paint } = teller
  say(`\n${paint.bold('2. A Backup while the shop cannot be quiesced')}\n`)
  shop.setLag(40)
  const refused = await told(teller, demo, monday)
  if (refused.refusal === undefined)
    throw new Error('the demo expected a refusal, and the Backup was created')
  say(
    `   ${shop.calls().length} calls came to the shop. There is no Backup monday, and Velero never heard of it.\n`,
  )
}

async function tellBackup({ teller, demo, shop }: Play): Promise<void> {
  const { say, paint } = teller
  say(`\n${paint.bold('3. The same Backup when the shop is well again')}\n`)
  shop.setLag(0)
  await created(teller, demo, monday)
  say(`\n${paint.bold('4. After it')}\n`)
  const run = await demo.run(monday, 'PostBackup')
  tellCall(teller, shop, '/resume')
  say(`   ${paint.good('✓')} ${names.resume}: run ${run.name} is ${run.phase}\n`)
}

async function tellRestore({ teller, demo, shop }: Play): Promise<void> {
  const { say, paint } = teller
  say(`\n${paint.bold('5. A Restore of it')}: the shop is stopped before, and started after it\n`)
  await created(teller, demo, back)
  for (const [stage, name, path] of [
    ['PreRestore', names.stop, '/stop'],
    ['PostRestore', names.start, '/start'],
  ] as const) {
    const run = await demo.run(back, stage)
    tellCall(teller, shop, path)
    say(`   ${paint.good('✓')} ${name}: run ${run.name} is ${run.phase}\n`)
  }
}

async function created(teller: Teller, demo: Demo, made: Made): Promise<void> {
  const { refusal } = await told(teller, demo, made)
  if (refusal !== undefined) throw new Error(`the demo expected a ${made.kind}, got: ${refusal}`)
  teller.say(`   Velero: ${(await demo.phases(made)).join(', ')}\n`)
}

function tellCall({ say, paint }: Teller, shop: Shop, path: string): void {
  const call = shop.calls().findLast((one) => one.path === path)
  if (call === undefined) throw new Error(`the demo expected a call of ${path} at the shop, and none came`)
  say(`   the shop got POST ${path} ${paint.dim(plain(call.body))}\n`)
}

/** As somebody would type it. */
const commandOf = ({ kind, name }: Made): string =>
  kind === 'Backup'
    ? `velero backup create ${name} --include-namespaces shop`
    : `velero restore create ${name} --from-backup monday`

async function told({ say, paint }: Teller, demo: Demo, made: Made): Promise<Attempt> {
  say(paint.dim(`   $ ${commandOf(made)}\n`))
  const attempt = await demo.create(made)
  if (attempt.refusal === undefined) say(`   ${paint.good('✓')} created after ${seconds(attempt.ms)}\n`)
  else
    say(
      `   ${paint.bad('✗')} refused after ${seconds(attempt.ms)}:\n${paint.bad(wrapped(attempt.refusal, '     '))}`,
    )
  return attempt
}

type Tries = readonly (readonly [command: string, what: string])[]

const ours = 'npm run -s tidewaiter --'

/** A Backup that can be piped. */
const tuesday =
  "echo '{apiVersion: velero.io/v1, kind: Backup, metadata: {name: tuesday}, spec: {includedNamespaces: [shop]}}'"

/** What works with what npm brought. */
const anyTries: Tries = [
  [`${ours} actions list`, 'what there is to do'],
  [`${ours} runs list`, 'what was done, and with which result'],
  [`${ours} decisions list`, 'what was asked for, and answered'],
  [`${tuesday} | ${ours} plan -f -`, 'what would run for a Backup'],
]

const lagging = (shop: Shop, seconds: number) => `curl -X PUT '${shop.url}/lag?seconds=${seconds}'`

/** With the Actions of the demo a Backup can be refused. */
const kubectlTries = (kubeconfig: string, shop: Shop | undefined): Tries => [
  ['kubectl -n velero get actions,actionruns,backups', 'what there is'],
  ...(shop === undefined
    ? []
    : ([
        [lagging(shop, 40), 'the shop refuses from now on'],
        [`${tuesday} | kubectl -n velero create -f -`, 'refused, with the reason'],
        [lagging(shop, 0), 'well again: the same Backup runs'],
      ] as const)),
  [
    `kubectl --kubeconfig ${quoted(kubeconfig.replace(/kubeconfig$/, 'alice.kubeconfig'))} -n velero get backups`,
    'as alice, who may not skip actions',
  ],
]

const veleroTries = (shop: Shop | undefined): Tries => [
  ...(shop === undefined
    ? []
    : ([
        ['velero restore create --from-backup monday --wait', 'the shop is stopped, and started again'],
      ] as const)),
  [
    'velero backup create other --include-namespaces default --wait',
    'no Action matches: as without tidewaiter',
  ],
  ["velero schedule create often --schedule '@every 1m' --include-namespaces shop", 'a Schedule'],
  [
    'velero backup create bad --include-namespaces default --annotations sandbox.velero.io/outcome=PartiallyFailed',
    'a Backup that ends so',
  ],
]

/** Tells what to try next; with the shop if its Actions are there. Whoever is new has perhaps neither kubectl nor velero. */
export function tellNext({ say, paint }: Teller, kubeconfig: string, shop: Shop | undefined): void {
  const tell = (head: string, tries: Tries) => {
    say(`\n${head}\n`)
    for (const [command, what] of tries) say(`   ${command}${what === '' ? '' : paint.dim(`   # ${what}`)}\n`)
  }
  tell(`${paint.bold('Now you')}, in another terminal, in this folder`, [
    [`export KUBECONFIG=${quoted(kubeconfig)}`, ''],
    ...anyTries,
  ])
  tell(paint.bold('If you have kubectl'), kubectlTries(kubeconfig, shop))
  tell(paint.bold('If you have the velero CLI'), veleroTries(shop))
  say(`\nYour own Action: docs/sandbox.md. Ctrl-C ends it all.\n\n`)
}

/** Tells how to run `serve` beside a cluster without the service. */
export function tellServe({ say, paint }: Teller, kubeconfig: string): void {
  say(`\n${paint.bold('Run the service')} against it, in another terminal\n`)
  say(`   tidewaiter serve --kubeconfig ${quoted(kubeconfig)} \\\n`)
  say(`     --webhook-url https://127.0.0.1:9443 --listen 127.0.0.1:9443 --metrics-listen 127.0.0.1:8080\n`)
  say(paint.dim('   (in a checkout: npm run -s tidewaiter -- instead of tidewaiter)\n'))
  say(`\nCtrl-C ends it.\n\n`)
}

/** One line for a call that came to the shop. */
export const callLine = ({ paint }: Teller, { method, path, status, body }: ShopCall): string =>
  `   ${paint.dim(`shop: ${plain(method)} ${plain(path)} ${plain(body.slice(0, 200))}`)} ${status < 400 ? paint.good(`${status}`) : paint.bad(`${status}`)}\n`

const seconds = (ms: number): string => (ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`)

// For a POSIX shell, so that it can be pasted.
const quoted = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
