/** What the terminal says: who is here, what happens, and what to try next. */
import { demoActions, names, type Attempt, type Demo } from './demo.ts'
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
  readonly shop: string | undefined
  readonly log: string | undefined
  readonly readyMs: number
}

/** Tells what there is. */
export function tellScenery(teller: Teller, scenery: Scenery): void {
  const { say, paint } = teller
  const { version, api, kubeconfig, webhook, metrics, shop, log, readyMs } = scenery
  say(
    `\n${paint.bold(`Tidewaiter ${version}, in a sandbox`)}: a Kubernetes API and a stand-in for Velero, in this process.\n\n`,
  )
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['API server', api],
    ['kubeconfig', kubeconfig],
    ['webhooks', webhook],
    ['metrics', metrics],
    ['shop', shop === undefined ? undefined : `${shop}   (the application of the demo)`],
    ['log', log],
  ]
  for (const [what, value] of rows) if (value !== undefined) say(`  ${what.padEnd(12)}${value}\n`)
  say(paint.dim(`  ready after ${seconds(readyMs)}\n`))
}

/** Plays the demo and tells it. Throws when it does not go as it must. */
export async function tellDemo(teller: Teller, demo: Demo, shop: Shop): Promise<void> {
  const { say, paint } = teller
  say(`\n${paint.bold('1. Two Actions')} for Backups that touch the namespace shop\n`)
  for (const action of demoActions(shop.url)) {
    const when =
      textAt(action, 'spec', 'stage') === 'PreBackup'
        ? 'before it starts, or it does not'
        : 'after it has ended'
    say(
      `   ${textAt(action, 'metadata', 'name').padEnd(17)} POST ${textAt(at(action, 'spec'), 'http', 'url')}   ${paint.dim(when)}\n`,
    )
  }
  await demo.actions()

  say(`\n${paint.bold('2. A Backup while the shop cannot be quiesced')}\n`)
  shop.setLag(40)
  const refused = await told(teller, demo, 'monday')
  if (refused.refusal === undefined)
    throw new Error('the demo expected a refusal, and the Backup was created')
  say(
    `   ${shop.calls().length} calls came to the shop. There is no Backup monday, and Velero never heard of it.\n`,
  )

  say(`\n${paint.bold('3. The same Backup when the shop is well again')}\n`)
  shop.setLag(0)
  const created = await told(teller, demo, 'monday')
  if (created.refusal !== undefined) throw new Error(`the demo expected a Backup, got: ${created.refusal}`)
  say(`   Velero: ${(await demo.phases('monday')).join(', ')}\n`)

  say(`\n${paint.bold('4. After it')}\n`)
  const run = await demo.run('monday', 'PostBackup')
  const call = shop.calls().findLast(({ path }) => path === '/resume')
  say(`   the shop got POST /resume ${paint.dim(plain(call?.body ?? ''))}\n`)
  say(`   ${paint.good('✓')} ${names.resume}: run ${run.name} is ${run.phase}\n`)
}

async function told({ say, paint }: Teller, demo: Demo, name: string): Promise<Attempt> {
  say(paint.dim(`   $ velero backup create ${name} --include-namespaces shop\n`))
  const attempt = await demo.backUp(name)
  if (attempt.refusal === undefined) say(`   ${paint.good('✓')} created after ${seconds(attempt.ms)}\n`)
  else
    say(
      `   ${paint.bad('✗')} refused after ${seconds(attempt.ms)}:\n${paint.bad(wrapped(attempt.refusal, '     '))}`,
    )
  return attempt
}

/** What needs the Actions of the demo. */
const shopTries = (shop: Shop): readonly (readonly [string, string])[] => [
  [`curl -X PUT '${shop.url}/lag?seconds=40'`, 'the shop refuses from now on'],
  ['velero backup create tuesday --include-namespaces shop --wait', 'refused, with the reason'],
  [`curl -X PUT '${shop.url}/lag?seconds=0'`, 'well again: the same Backup runs'],
]

/** Tells what to try next; with the shop if its Actions are there. */
export function tellNext({ say, paint }: Teller, kubeconfig: string, shop: Shop | undefined): void {
  say(`\n${paint.bold('Now you')}, in another terminal\n`)
  const tries: readonly (readonly [string, string])[] = [
    [`export KUBECONFIG=${quoted(kubeconfig)}`, ''],
    ['kubectl -n velero get actions,actionruns,backups', 'what there is'],
    [`kubectl -n velero get actionruns -o yaml`, 'what was done, and with which result'],
    ...(shop === undefined ? [] : shopTries(shop)),
    [
      'velero backup create other --include-namespaces default --wait',
      'no Action matches: as without tidewaiter',
    ],
    ["velero schedule create often --schedule '@every 1m' --include-namespaces shop", 'a Schedule'],
    [
      'velero backup create bad --include-namespaces default --annotations sandbox.velero.io/outcome=PartiallyFailed',
      'a Backup that ends so',
    ],
    [
      `kubectl --kubeconfig ${quoted(kubeconfig.replace(/kubeconfig$/, 'alice.kubeconfig'))} -n velero get backups`,
      'as alice, who may not skip actions',
    ],
  ]
  for (const [command, what] of tries) say(`   ${command}${what === '' ? '' : paint.dim(`   # ${what}`)}\n`)
  say(`\nYour own Action: docs/sandbox.md. Ctrl-C ends it all.\n\n`)
}

/** Tells how to run `serve` beside a cluster without the service. */
export function tellServe({ say, paint }: Teller, kubeconfig: string): void {
  say(`\n${paint.bold('Run the service')} against it, in another terminal\n`)
  say(`   tidewaiter serve --kubeconfig ${quoted(kubeconfig)} \\\n`)
  say(`     --webhook-url https://127.0.0.1:9443 --listen 127.0.0.1:9443 --metrics-listen 127.0.0.1:8080\n`)
  say(paint.dim('   (in a checkout: npm run tidewaiter -- instead of tidewaiter)\n'))
  say(`\nCtrl-C ends it.\n\n`)
}

/** One line for a call that came to the shop. */
export const callLine = ({ paint }: Teller, { method, path, status, body }: ShopCall): string =>
  `   ${paint.dim(`shop: ${plain(method)} ${plain(path)} ${plain(body.slice(0, 200))}`)} ${status < 400 ? paint.good(`${status}`) : paint.bad(`${status}`)}\n`

const seconds = (ms: number): string => (ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`)

// For a POSIX shell, so that it can be pasted.
const quoted = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
