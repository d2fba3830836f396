/** The list of conditions that every kind of ours has in its status, as in meta/v1. */
import type { ListNode } from './schema.ts'

/** Declares it; `doc` says which conditions there are, `maxItems` how many at most. */
export const conditions = (doc: string, maxItems = 8) =>
  ({
    type: 'array',
    doc,
    maxItems,
    listType: 'map',
    listMapKeys: ['type'],
    items: {
      type: 'object',
      doc: 'One condition, as in meta/v1.',
      fields: {
        type: { type: 'string', doc: 'Its name.', maxLength: 316 },
        status: {
          type: 'string',
          doc: 'Whether it holds.',
          enum: ['True', 'False', 'Unknown'],
        },
        reason: { type: 'string', doc: 'Why, in one word.', minLength: 1, maxLength: 1024 },
        message: { type: 'string', doc: 'Why, in a sentence.', maxLength: 32768 },
        observedGeneration: {
          type: 'integer',
          doc: 'The generation it speaks of.',
          minimum: 0,
          maximum: Number.MAX_SAFE_INTEGER,
        },
        lastTransitionTime: { type: 'string', doc: 'Since when.', format: 'date-time', maxLength: 32 },
      },
      required: ['type', 'status', 'reason', 'message', 'lastTransitionTime'],
    },
  }) as const satisfies ListNode
