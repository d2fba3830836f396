/**
 * The words in which our kinds are declared. From one declaration come the CRD (`crd.ts`), the parser (`parse.ts`),
 * the TypeScript type (`Infer`) and the reference page (`reference.ts`). Declarations are data: nothing is imported.
 */

/** A rule over a whole value, said twice: in CEL for the API server, in TypeScript for our parser. */
export type Rule = {
  /** CEL over `self`, as in x-kubernetes-validations (and `oldSelf` for transition rules, which have no `holds`). */
  readonly cel: string
  /** What the API server says when the rule does not hold; a whole sentence part: `exactly one body must be given`. */
  readonly message: string
  /** The same rule for our parser, called only with values whose shape is right; absent for transition rules. */
  readonly holds?: (self: never) => boolean
  /** The field that the API server names when the rule does not hold, and the paths below the value that our parser names. */
  readonly at?: { readonly field: string; readonly paths: (self: never) => readonly string[] }
}

type About = {
  /** One or more sentences for `kubectl explain` and the reference page. */
  readonly doc: string
  readonly rules?: readonly Rule[]
  /** Set on a field that a later release brings: it is declared, and refused by name with this sentence. */
  readonly later?: string
}

/** Text. Lengths are counted in Unicode code points, as the API server does. */
export type TextNode = WordNode | FreeTextNode
/** One of these words. It has no length: the API server would tell a wrong word twice, once as too long. */
export type WordNode = About & {
  readonly type: 'string'
  readonly enum: readonly string[]
  readonly default?: string
  readonly format?: never
  readonly orWhole?: never
}
/** Any text within its limits. */
export type FreeTextNode = About & {
  readonly type: 'string'
  readonly enum?: never
  readonly pattern?: string
  readonly minLength?: number
  readonly maxLength: number
  readonly default?: string
  readonly format?: 'date-time'
  /** Also taken as a whole number within these bounds (x-kubernetes-int-or-string), which means its digits: 429 is '429'. */
  readonly orWhole?: { readonly minimum: number; readonly maximum: number }
}
/** A whole number. */
export type WholeNode = About & {
  readonly type: 'integer'
  readonly minimum: number
  readonly maximum: number
  readonly default?: number
}
/** True or false. */
export type FlagNode = About & { readonly type: 'boolean'; readonly default?: boolean }
/** A list of one kind of thing; `unique` gives the key of a list of objects that is a map (listType: map). */
export type ListNode = About & {
  readonly type: 'array'
  readonly items: Node
  readonly minItems?: number
  readonly maxItems: number
  readonly default?: readonly unknown[]
  readonly listType?: 'atomic' | 'set' | 'map'
  readonly listMapKeys?: readonly string[]
}
/** An object with named fields; unknown ones are refused. */
export type ShapeNode = About & {
  readonly type: 'object'
  readonly fields: Readonly<Record<string, Node>>
  readonly required: readonly string[]
  readonly default?: Readonly<Record<string, unknown>>
}
/** An object from any text to one kind of thing. */
export type MapNode = About & { readonly type: 'map'; readonly values: Node; readonly maxProperties: number }
/**
 * Any JSON, kept as it is (x-kubernetes-preserve-unknown-fields). `object` narrows it to JSON objects. The limits are our
 * parser's alone, for a CRD has no word for them; absent ones are those of json-bounds.ts.
 */
export type AnyNode = About & {
  readonly type: 'any'
  readonly object?: boolean
  /** Bytes of JSON at most. */
  readonly maxBytes?: number
  /** Levels of lists and objects at most. */
  readonly maxDepth?: number
}

/** One declared value. */
export type Node = TextNode | WholeNode | FlagNode | ListNode | ShapeNode | MapNode | AnyNode

type Filled<N> = N extends { readonly required: readonly (infer R)[]; readonly fields: infer F }
  ? { [K in keyof F]: K extends R ? K : F[K] extends { readonly default: {} } ? K : never }[keyof F]
  : never

type Flat<T> = { [K in keyof T]: T[K] }

/**
 * The TypeScript type of a parsed value: defaults are filled, so fields with one are always there. Of a declaration that
 * is only known to be some Node nothing is known (and the type would have no end).
 */
export type Infer<N> = Node extends N ? unknown : Declared<N>

type Declared<N> = N extends { readonly type: 'string'; readonly enum: readonly (infer E)[] }
  ? E
  : N extends { readonly type: 'string' }
    ? string
    : N extends { readonly type: 'integer' }
      ? number
      : N extends { readonly type: 'boolean' }
        ? boolean
        : N extends { readonly type: 'array'; readonly items: infer I }
          ? readonly Infer<I>[]
          : N extends { readonly type: 'map'; readonly values: infer V }
            ? Readonly<Record<string, Infer<V>>>
            : N extends { readonly type: 'any'; readonly object: true }
              ? Readonly<Record<string, unknown>>
              : N extends { readonly type: 'any' }
                ? unknown
                : N extends { readonly fields: infer F }
                  ? Flat<
                      { readonly [K in Filled<N> & keyof F]: Infer<F[K]> } & {
                        readonly [K in Exclude<keyof F, Filled<N>>]?: Infer<F[K]>
                      }
                    >
                  : never

/** A column of `kubectl get`. */
export type Column = {
  readonly name: string
  readonly type: 'string' | 'integer' | 'boolean' | 'date'
  readonly jsonPath: string
  readonly doc: string
  /** 1 = only with `-o wide`. */
  readonly priority?: number
}

/** One custom resource of ours. */
export type Kind = {
  readonly kind: string
  readonly plural: string
  readonly singular: string
  readonly shortNames: readonly string[]
  readonly doc: string
  /** A sentence of its reference page alone, in Markdown: where to read more. */
  readonly more?: string
  readonly columns: readonly Column[]
  readonly spec: ShapeNode
  readonly status: ShapeNode
  /** No status subresource: who writes it writes spec and status in one request. */
  readonly wholeWrites?: true
  /** metadata.name is checked by this rule of the CRD's root if given (the API server allows rules on metadata.name only). */
  readonly rootRules?: readonly Rule[]
}

/** The group and version of every kind of ours. */
export const group = 'tidewaiter.io'
/** The version that is served and stored. */
export const version = 'v1beta1'

/** The object metadata that we read. */
export type Metadata = {
  readonly name: string
  readonly namespace: string
  readonly uid: string
  readonly resourceVersion: string
  readonly generation?: number
  readonly creationTimestamp: string
  readonly deletionTimestamp?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
}
