/** One decision in full: what became of it, what was looked at and why, what its calls sent and got, who asked. */
import type { AdmissionDecision, Considered, DecisionCall } from '../../api/admission-decision.ts'
import { pathOf, urlOf } from '../query.ts'
import { counted, lasting, type Tone } from '../words.ts'
import { html, type Piece } from './html.ts'
import type { Page } from './layout.ts'
import { badge, command, empty, facts, moment, section, table } from './parts.ts'

const words: Readonly<Record<string, string>> = {
  Allowed: 'was allowed',
  Refused: 'was refused',
  Error: 'failed',
}

/** The page. `hasObject`: whether the object has a page. */
export function decisionPage(
  record: AdmissionDecision,
  { now, hasObject }: { readonly now: number; readonly hasObject: boolean },
): Page {
  const { metadata, spec, status } = record
  const { last, count } = status
  const title = `${spec.operation} ${spec.kind} ${metadata.namespace}/${last.name}`
  return {
    title,
    content: html`
      <p class="crumbs"><a href="/decisions">Decisions</a></p>
      <h1>${title} ${words[spec.verdict] ?? spec.verdict}</h1>
      <p class="lead">
        ${badge(spec.verdict)}
        <code>${spec.reason}</code> ${moment(Date.parse(last.time), now)}${timesWords(count)}
      </p>
      ${last.message === undefined ? undefined : html`<p class="said">${last.message}</p>`}
      ${facts(factsOf(record, hasObject))}
      ${section('What was looked at', consideredOf(status.considered ?? []), status.cut)}
      ${section('What was called', callsOf(status.calls ?? []))}
      ${count === 1 ? undefined : section('The repeats', repeatsOf(record))}
      ${section(
        'The record',
        html`<p>
          The same with kubectl, as long as the cluster keeps it${' '} (<a
            href=${urlOf(`/api/v1${pathOf('decisions', metadata.uid)}`)}
            download=${`${metadata.name}.json`}
            >download</a
          >):
        </p>`,
        command(`kubectl get admissiondecision ${metadata.name} -n ${metadata.namespace} -o yaml`),
        html`<details>
          <summary>As JSON</summary>
          <pre class="raw" tabindex="0"><code>${JSON.stringify(record, null, 2)}</code></pre>
        </details>`,
      )}
    `,
  }
}

const timesWords = (count: number): string => (count === 1 ? '' : `, decided so ${counted(count, 'time')}`)

function factsOf(
  { metadata, spec, status }: AdmissionDecision,
  hasObject: boolean,
): readonly (readonly [string, Piece])[] {
  const { last, first, groups = [] } = status
  const object = `${metadata.namespace}/${last.name}`
  return [
    [
      'Object',
      hasObject
        ? html`<a href=${pathOf(`${spec.kind.toLowerCase()}s`, metadata.namespace, last.name)}>${object}</a>`
        : object,
    ],
    ['Its uid', last.uid],
    ['Schedule', spec.schedule],
    ['Action that failed', spec.action],
    ['Asked by', spec.user],
    ['Groups', groups.join(', ')],
    ['Took', lasting(last.milliseconds)],
    ['Webhook', spec.webhook],
    ['Decided by', spec.replica],
    ['Run', last.run],
    ['Warnings', last.warnings === undefined ? undefined : String(last.warnings)],
    ['Changes made to it', last.patches === undefined ? undefined : String(last.patches)],
    ['Newest', moment(Date.parse(last.time))],
    ['First', status.count === 1 ? undefined : moment(Date.parse(first.time))],
    ['Request', last.request],
    ['Its place in the chain', `${last.seq}`],
  ]
}

const found: Readonly<Record<Considered['found'], { readonly word: string; readonly tone: Tone }>> = {
  Matched: { word: 'Matched', tone: 'good' },
  NotMatched: { word: 'Did not match', tone: 'quiet' },
  MatchFailed: { word: 'Match failed', tone: 'bad' },
  Skipped: { word: 'Skipped', tone: 'warn' },
  Suspended: { word: 'Suspended', tone: 'quiet' },
  NotAdopted: { word: 'Not adopted', tone: 'warn' },
}

const consideredOf = (all: readonly Considered[]): Piece =>
  all.length === 0
    ? empty('No Action was looked at for this decision.')
    : table(
        'Actions that were looked at',
        [
          { head: 'Action', cell: ({ action }) => action, as: 'name' },
          { head: 'Stage', cell: ({ stage }) => stage },
          { head: 'Found', cell: ({ found: one }) => badge(found[one].word, found[one].tone) },
          { head: 'Why', cell: ({ because }) => because ?? '', as: 'text' },
        ],
        all,
      )

const callsOf = (all: readonly DecisionCall[]): Piece =>
  all.length === 0
    ? empty('Nothing was called inside this request.')
    : all.map(
        ({ action, phase, attempts, request, answer }) =>
          html`<article class="call">
            <h3>${action} ${badge(phase)}</h3>
            ${(attempts ?? 0) === 0 ? undefined : html`<p class="quiet">${counted(attempts ?? 0, 'attempt')}</p>`}
            ${
              request === undefined
                ? undefined
                : html`<p class="quiet">Sent (secrets are masked)</p>
                    <pre tabindex="0"><code>${request}</code></pre>`
            }
            ${
              answer === undefined
                ? undefined
                : html`<p class="quiet">${request === undefined ? 'Because' : 'Got'}</p>
                    <pre tabindex="0"><code>${answer}</code></pre>`
            }
          </article>`,
      )

function repeatsOf({ status }: AdmissionDecision): Piece {
  const { first, last, recent = [], count, seqs } = status
  const shown = [last, ...[...recent].reverse(), first]
  return html`
    <p>
      ${counted(count, 'decision')} are counted in this record (numbers ${seqs}); those whose times it still
      has:
    </p>
    ${table(
      'Repeats, the newest first',
      [
        { head: 'When', cell: ({ time }) => moment(Date.parse(time)) },
        { head: 'Name', cell: ({ name }) => name, as: 'name' },
        { head: 'Took', cell: ({ milliseconds }) => lasting(milliseconds), as: 'number' },
        { head: 'Run', cell: ({ run }) => run ?? '', as: 'spare' },
        { head: 'Number', cell: ({ seq }) => String(seq), as: 'number' },
      ],
      shown,
    )}
  `
}
