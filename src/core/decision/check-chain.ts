/** What the records of one replica say together: that no number is missing, none comes twice, and the chain closes. */
import type { Hash } from '../author.ts'
import { linked, type ChainOf } from './chain.ts'
import { numbered, type Finding } from './finding.ts'
import { gaps, without } from './gaps.ts'
import { eventsOf, knownOf, type ChainInput, type Known } from './known.ts'
import { common, contains, seqsText, sizeOf, union, type Seqs } from './seqs.ts'

/** Checks one chain. */
export function checkChain(input: ChainInput): readonly Finding[] {
  const known = knownOf(input)
  return [
    ...twice(input),
    ...differing(input),
    ...gaps(input, known),
    ...links(input, known),
    ...unseen(input, known),
  ]
}

const about = ({ replica }: ChainOf) => `replica ${replica}`

function twice(input: ChainInput): readonly Finding[] {
  let before: Seqs = []
  const found: Finding[] = []
  for (const { record, seqs } of input.records) {
    const again = common(before, seqs)
    if (again.length > 0)
      found.push({
        sort: 'wrong',
        code: 'Twice',
        about: `record ${record.metadata.name}`,
        message: `decisions ${seqsText(again)} of ${about(input)} are in another record too`,
      })
    before = union(before, seqs)
  }
  return found
}

function differing({ records, audited }: ChainInput): readonly Finding[] {
  const logged = new Map(audited.map(({ seq, digest }) => [seq, digest]))
  return records.flatMap(({ record: { metadata, status } }): readonly Finding[] => {
    const { first, last, recent = [] } = status
    const others = [...eventsOf(first, last), ...recent].filter(
      ({ seq, digest }) => logged.has(seq) && logged.get(seq) !== digest,
    )
    if (others.length === 0) return []
    const numbers = others.map(({ seq }) => seq).sort((a, b) => a - b)
    return [
      {
        sort: 'wrong',
        code: 'Differs',
        about: `record ${metadata.name}`,
        message: `the audit log has another digest for decision ${numbers.join(', ')}: the record was changed, or the log`,
      },
    ]
  })
}

/** Follows the chain wherever it is known, and compares. */
function links(input: ChainInput, { digests, chains }: Known): readonly Finding[] {
  const found: Finding[] = []
  const known = [...new Set([...digests.keys(), ...chains.keys()])].sort((a, b) => a - b)
  let before: { readonly seq: number; readonly chain: string | undefined } = { seq: -1, chain: undefined }
  for (const seq of known) {
    const rolled = after(before.seq === seq - 1 ? before.chain : undefined, digests.get(seq), input.hash)
    const said = chains.get(seq) ?? []
    const wanted = rolled ?? said[0]?.[0]
    const others = said.filter(([one]) => one !== wanted)
    if (others.length > 0) found.push(broken(input, seq, new Set(others.map(([, by]) => by))))
    // What is said is believed from here on, so that one break is told once.
    before = { seq, chain: others[0]?.[0] ?? wanted }
  }
  return found
}

/** The chain after one more decision, as far as both are known. */
const after = (chain: string | undefined, digest: string | undefined, hash: Hash): string | undefined =>
  chain === undefined || digest === undefined ? undefined : linked(chain, digest, hash)

const broken = (of: ChainOf, seq: number, by: ReadonlySet<string>): Finding => ({
  sort: 'wrong',
  code: 'Broken',
  about: about(of),
  message: `the chain does not close at decision ${seq}, as ${[...by].join(' and ')} has it: something before it was changed, left out or put in`,
})

function unseen(input: ChainInput, { seqs, lost, most, hasEnded, digests }: Known): readonly Finding[] {
  const inRecords = sizeOf(seqs)
  const withDigest = [...digests.keys()].filter((seq) => contains(seqs, seq)).length
  const collapsed = inRecords - withDigest
  const unsaved = without(lost, seqs)
  return [
    ...numbered(unsaved, {
      sort: 'unseen',
      code: 'Lost',
      about: about(input),
      words: 'could not be recorded, says the replica itself; they are in its log',
    }),
    ...(collapsed === 0
      ? []
      : [
          {
            sort: 'unseen',
            code: 'Collapsed',
            about: about(input),
            message: `of ${collapsed} of ${inRecords} decisions only the number is kept: that they were made is signed, what they were is in the log`,
          } as const,
        ]),
    ...(hasEnded || most === 0
      ? []
      : [
          {
            sort: 'unseen',
            code: 'NoEnd',
            about: about(input),
            message: `it has not said that it ended: it runs, or was killed, or its last records were removed. Nothing is known here of decisions after ${most}`,
          } as const,
        ]),
  ]
}
