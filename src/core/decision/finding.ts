/** What a check of decisions finds. */
import { seqsText, type Seqs } from './seqs.ts'

/** What was found: wrong, or out of sight. */
export type Finding = {
  readonly sort: 'wrong' | 'unseen'
  readonly code:
    | 'Changed'
    | 'Removed'
    | 'Missing'
    | 'Twice'
    | 'Broken'
    | 'Differs'
    | 'Forged'
    | 'Unreadable'
    | 'LeftRing'
    | 'Lost'
    | 'Collapsed'
    | 'NoEnd'
    | 'NotYet'
    | 'NoAuditLog'
    | 'AnyKey'
  readonly about: string
  readonly message: string
}

/** A finding about numbers; none if there are none. */
export const numbered = (
  seqs: Seqs,
  { words, ...rest }: Omit<Finding, 'message'> & { readonly words: string },
): readonly Finding[] =>
  seqs.length === 0 ? [] : [{ ...rest, message: `decisions ${seqsText(seqs)} ${words}` }]
