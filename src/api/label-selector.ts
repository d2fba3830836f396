/** Which objects, by their labels: as Kubernetes has it (apimachinery pkg/apis/meta/v1: LabelSelector). */
import type { Infer, ShapeNode } from './schema.ts'

/** A label selector with these words. */
export const labelSelector = <const D extends string>(doc: D) =>
  ({
    type: 'object',
    doc,
    fields: {
      matchLabels: {
        type: 'map',
        doc: 'Labels that must have these values.',
        maxProperties: 64,
        values: { type: 'string', doc: 'The value.', maxLength: 63 },
        rules: [
          {
            cel: 'self.all(key, size(key) <= 317)',
            message: 'the name of a label has at most 317 characters',
            holds: (self: Readonly<Record<string, string>>) =>
              Object.keys(self).every((key) => Array.from(key).length <= 317),
          },
        ],
      },
      matchExpressions: {
        type: 'array',
        doc: 'Label conditions, all of which must hold.',
        maxItems: 64,
        listType: 'atomic',
        items: {
          type: 'object',
          doc: 'One label condition.',
          fields: {
            key: { type: 'string', doc: 'The label.', minLength: 1, maxLength: 317 },
            operator: {
              type: 'string',
              doc: 'How the label and the values relate.',
              enum: ['In', 'NotIn', 'Exists', 'DoesNotExist'],
            },
            values: {
              type: 'array',
              doc: 'The values of In and NotIn.',
              maxItems: 64,
              listType: 'atomic',
              items: { type: 'string', doc: 'A value.', maxLength: 63 },
            },
          },
          required: ['key', 'operator'],
          rules: [
            {
              cel: "self.operator in ['In', 'NotIn'] ? has(self.values) && size(self.values) > 0 : !has(self.values) || size(self.values) == 0",
              message: 'values must be given for In and NotIn, and only for them',
              holds: (self: { operator: string; values?: readonly string[] }) =>
                self.operator === 'In' || self.operator === 'NotIn'
                  ? (self.values ?? []).length > 0
                  : (self.values ?? []).length === 0,
            },
          ],
        },
      },
    },
    required: [],
  }) as const satisfies ShapeNode

/** A label selector, parsed. */
export type LabelSelector = Infer<ReturnType<typeof labelSelector>>
