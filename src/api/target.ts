/** What a body that calls the Kubernetes API aims at. */
import { labelSelector } from './label-selector.ts'

/** The fields that say which objects. All of them are literal: no template moves the target. */
export const target = {
  apiVersion: {
    type: 'string',
    doc: 'The API group and version: `apps/v1`, `v1`. Literal.',
    pattern: '^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?v[0-9][a-z0-9]*$',
    minLength: 2,
    maxLength: 317,
  },
  kind: {
    type: 'string',
    doc: 'The kind: `Deployment`. Literal.',
    pattern: '^[A-Z][A-Za-z0-9]*$',
    minLength: 1,
    maxLength: 63,
  },
  namespace: {
    type: 'string',
    doc: 'Where it is. Literal. Default: the namespace of the Action; refused for a kind that is cluster-scoped.',
    pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$',
    minLength: 1,
    maxLength: 63,
  },
  name: {
    type: 'string',
    doc: 'The one object. Literal.',
    // apimachinery/pkg/api/validation/path/name.go: what may stand in a path.
    pattern: '^[^/%${}\\x00-\\x20\\x7f]+$',
    minLength: 1,
    maxLength: 253,
  },
  selector: labelSelector(
    'All objects with these labels, at most 100, in the order of their names. Literal.',
  ),
} as const

/** One object, or those with some labels. */
export const oneTarget = {
  cel: 'has(self.name) != has(self.selector)',
  message: 'exactly one of name and selector must be given',
  holds: (self: { name?: unknown; selector?: unknown }) =>
    (self.name !== undefined) !== (self.selector !== undefined),
} as const

/** Objects of which nothing may be recorded. */
export const noSecret = {
  cel: "self.apiVersion != 'v1' || self.kind != 'Secret'",
  message: 'Secrets must not be aimed at',
  holds: (self: { apiVersion: string; kind: string }) => self.apiVersion !== 'v1' || self.kind !== 'Secret',
} as const
