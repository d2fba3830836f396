/** `authorizer` in policies and match conditions: questions to the same authorizer that judges requests. */

/** One question: may the user of this request do that? */
export type Question = {
  readonly verb: string
  readonly group: string
  readonly version: string
  readonly resource: string
  readonly subresource: string
  readonly namespace: string
  readonly name: string
  readonly path: string
}
/** Answers a question, with a reason. */
export type Ask = (question: Question) => { readonly allowed: boolean; readonly reason: string }

const blank: Question = {
  verb: '',
  group: '',
  version: '*',
  resource: '',
  subresource: '',
  namespace: '',
  name: '',
  path: '',
}

/** How questions are answered, and what the request itself is about. */
export type Answering = {
  readonly ask: Ask
  /** Who else may be asked for: `authorizer.serviceAccount(namespace, name)`. */
  readonly forAccount: (namespace: string, name: string) => Ask
  readonly request: Question
}

/** A question in the making; each step gives a new one. */
export class Authorizer {
  readonly by: Answering
  readonly about: Question

  constructor(by: Answering, about: Question = blank) {
    this.by = by
    this.about = about
  }

  /** `authorizer.requestResource`: the question about what the request itself is about. */
  get requestResource(): Authorizer {
    return new Authorizer(this.by, this.by.request)
  }

  /** The same question about something more. */
  with(more: Partial<Question>): Authorizer {
    return new Authorizer(this.by, { ...this.about, ...more })
  }
}

/** The answer to a question. */
export class Check {
  readonly allowed: boolean
  readonly reason: string

  constructor(answer: { readonly allowed: boolean; readonly reason: string }) {
    this.allowed = answer.allowed
    this.reason = answer.reason
  }
}

/** apiserver pkg/cel/library/authz.go. */
export const authorizerFunctions: Readonly<Record<string, (...args: never[]) => unknown>> = {
  'Authorizer.group(string): Authorizer': (of: Authorizer, group: string) => of.with({ group }),
  'Authorizer.resource(string): Authorizer': (of: Authorizer, resource: string) => of.with({ resource }),
  'Authorizer.subresource(string): Authorizer': (of: Authorizer, subresource: string) =>
    of.with({ subresource }),
  'Authorizer.namespace(string): Authorizer': (of: Authorizer, namespace: string) => of.with({ namespace }),
  'Authorizer.name(string): Authorizer': (of: Authorizer, name: string) => of.with({ name }),
  'Authorizer.path(string): Authorizer': (of: Authorizer, path: string) => of.with({ path }),
  'Authorizer.serviceAccount(string, string): Authorizer': (
    of: Authorizer,
    namespace: string,
    name: string,
  ) => new Authorizer({ ...of.by, ask: of.by.forAccount(namespace, name) }, of.about),
  'Authorizer.check(string): Check': (of: Authorizer, verb: string) =>
    new Check(of.by.ask({ ...of.about, verb })),
  'Check.allowed(): bool': (of: Check) => of.allowed,
  'Check.reason(): string': (of: Check) => of.reason,
  'Check.errored(): bool': () => false,
  'Check.error(): string': () => '',
}
