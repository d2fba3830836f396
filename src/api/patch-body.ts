/** The body `patch` of an Action, declared. */
import type { Infer, ShapeNode } from './schema.ts'
import { oneTarget, target } from './target.ts'

/** The body `patch`. */
export const patch = {
  type: 'object',
  doc: 'Patches objects of the cluster, as the ServiceAccount that serviceAccountName names: it needs the verb patch on them, also get where what was there is kept or the type is apply, and also list with a selector. Kinds of tidewaiter.io, Secrets, and the status of kinds of velero.io are refused.',
  fields: {
    ...target,
    subresource: {
      type: 'string',
      doc: 'A part of the object that has rights and versions of its own.',
      enum: ['scale', 'status'],
    },
    type: {
      type: 'string',
      doc: 'How `patch` is meant: merge (RFC 7396: what is given replaces what is there, null removes), json (RFC 6902: a list of operations), apply (server-side apply: the fields that fieldManager wants to have).',
      enum: ['merge', 'json', 'apply'],
      default: 'merge',
    },
    patch: {
      type: 'any',
      doc: 'What to change: an object, or for type json a list of operations. ${...} inside texts (of type json: inside values) is CEL; its value stays a text. Name, namespace, kind and versions are not given again here.',
    },
    fieldManager: {
      type: 'string',
      doc: 'Who owns the fields afterwards. Default: tidewaiter, and for type apply tidewaiter:NAME with the name of the Action, because one manager that applies twice takes back what it does not name again.',
      pattern: '^[\\x20-\\x7e]+$',
      minLength: 1,
      maxLength: 128,
    },
    force: {
      type: 'boolean',
      doc: 'Of type apply: takes fields over that another manager owns; otherwise that is a conflict (409).',
    },
  },
  required: ['apiVersion', 'kind', 'patch'],
  rules: [
    oneTarget,
    {
      cel: "!has(self.force) || self.type == 'apply'",
      message: 'force is for type apply only',
      holds: (self: { force?: unknown; type: string }) => self.force === undefined || self.type === 'apply',
    },
  ],
} as const satisfies ShapeNode

/** The body `patch`, defaults filled in. */
export type PatchBody = Infer<typeof patch>
