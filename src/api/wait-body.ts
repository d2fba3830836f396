/** The body `wait`, declared. */
import type { Infer, ShapeNode } from './schema.ts'
import { labelSelector } from './label-selector.ts'
import { noSecret, oneTarget, target } from './target.ts'

/** Most objects that are waited for at once: they are held in memory, and each is judged whenever one of them changes. */
export const mostWaitedFor = 500

/** Waits until objects are as they should be. */
export const waitBody = {
  type: 'object',
  doc: 'Waits until objects are as they should be, within timeoutSeconds. It changes nothing. One that is not there yet is waited for. The account needs list and watch (with a name: both of that name are enough).',
  fields: {
    ...target,
    selector: labelSelector(`All objects with these labels, at most ${mostWaitedFor}. Literal.`),
    until: {
      type: 'string',
      doc: 'CEL that must be true. It sees `object`; with a selector it must be true for every one, and sees all of them as `objects`; and `backup` or `restore`, `outputs` and `stage`. One that fails, as for a field that is not there yet, counts as not true yet, and is told if the time ends.',
      minLength: 1,
      maxLength: 2048,
    },
    gone: { type: 'boolean', doc: 'True, instead of until: until there is none.' },
    minCount: {
      type: 'integer',
      doc: 'With a selector and until: how many objects there must be at least. Default: 1. With 0 it also holds where there is none.',
      minimum: 0,
      maximum: mostWaitedFor,
    },
  },
  required: ['apiVersion', 'kind'],
  rules: [
    oneTarget,
    // Their values would stand in messages and outputs.
    noSecret,
    {
      cel: 'has(self.until) != (has(self.gone) && self.gone)',
      message: 'exactly one of until and gone: true must be given',
      holds: (self: { until?: unknown; gone?: boolean }) =>
        (self.until !== undefined) !== (self.gone === true),
    },
    {
      cel: '!has(self.minCount) || (has(self.selector) && has(self.until))',
      message: 'minCount is for a selector with until only',
      holds: (self: { minCount?: unknown; selector?: unknown; until?: unknown }) =>
        self.minCount === undefined || (self.selector !== undefined && self.until !== undefined),
    },
  ],
} as const satisfies ShapeNode

/** The body `wait`. */
export type WaitBody = Infer<typeof waitBody>
