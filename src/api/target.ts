/** What a body that calls the Kubernetes API aims at: a kind, and one object by name or some by their labels. */
import { labelSelector } from './label-selector.ts'
import type { Infer, ShapeNode } from './schema.ts'

/** The fields that say what a body aims at. All of them are literal: no value of an expression moves the aim. */
export const targetFields = {
  apiVersion: {
    type: 'string',
    doc: 'The API version of the objects: `apps/v1`, `v1`.',
    pattern: '^([a-z0-9]([a-z0-9.-]*[a-z0-9])?/)?v[a-z0-9]+$',
    minLength: 2,
    maxLength: 317,
  },
  kind: {
    type: 'string',
    doc: 'The kind of the objects: `Deployment`.',
    pattern: '^[A-Z][A-Za-z0-9]*$',
    minLength: 1,
    maxLength: 63,
  },
  namespace: {
    type: 'string',
    doc: 'The namespace of the objects. Default: the namespace of the Action. Not for a kind that is cluster-scoped.',
    pattern: '^[a-z0-9]([a-z0-9-]*[a-z0-9])?$',
    minLength: 1,
    maxLength: 63,
  },
  name: {
    type: 'string',
    doc: 'The name of one object.',
    // apimachinery/pkg/api/validation/path/name.go: what may be a segment of a path; . and .. by the rule of the body.
    pattern: '^[^/%\\x00-\\x20\\x7f]+$',
    minLength: 1,
    maxLength: 253,
  },
  selector: labelSelector('The labels of the objects; all that have them are meant.'),
} as const satisfies ShapeNode['fields']

const isGiven = (value: unknown): boolean => value !== undefined

/** The rules of a body that has these fields. */
export const targetRules = [
  {
    cel: 'has(self.name) != has(self.selector)',
    message: 'exactly one of name and selector must be given',
    holds: (self: { name?: unknown; selector?: unknown }) => isGiven(self.name) !== isGiven(self.selector),
  },
  {
    cel: "!has(self.name) || !(self.name in ['.', '..'])",
    message: 'name must be the name of an object',
    holds: (self: { name?: string }) => self.name !== '.' && self.name !== '..',
  },
  {
    // Their values would stand in records, messages and outputs.
    cel: "self.apiVersion != 'v1' || self.kind != 'Secret'",
    message: 'Secrets must not be aimed at',
    holds: (self: { apiVersion: string; kind: string }) => self.apiVersion !== 'v1' || self.kind !== 'Secret',
  },
] as const satisfies ShapeNode['rules']

const target = {
  type: 'object',
  doc: 'What a body aims at.',
  fields: targetFields,
  required: ['apiVersion', 'kind'],
} as const satisfies ShapeNode

/** What a body aims at. */
export type Target = Infer<typeof target>
