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

/** A question in the making; each step gives a new one. */
export class Authorizer {
  readonly ask: Ask
  /** Who else may be asked for: `authorizer.serviceAccount(namespace, name)`. */
  readonly forAccount: (namespace: string, name: string) => Ask
  readonly #request: Question
  #about: Question = blank

  /** `request` is what the request itself is about. */
  constructor(ask: Ask, forAccount: (namespace: string, name: string) => Ask, request: Question = blank) {
    this.ask = ask
    this.forAccount = forAccount
    this.#request = request
  }

  /** What is asked about so far. */
  get about(): Question {
    return this.#about
  }

  /** `authorizer.requestResource`: the question about what the request itself is about. */
  get requestResource(): Authorizer {
    return this.with(this.#request)
  }

  /** The same question about something more, or asked for somebody else. */
  with(more: Partial<Question>, ask: Ask = this.ask): Authorizer {
    const next = new Authorizer(ask, this.forAccount, this.#request)
    next.#about = { ...this.#about, ...more }
    return next
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
  ) => of.with({}, of.forAccount(namespace, name)),
  'Authorizer.check(string): Check': (of: Authorizer, verb: string) =>
    new Check(of.ask({ ...of.about, verb })),
  'Check.allowed(): bool': (of: Check) => of.allowed,
  'Check.reason(): string': (of: Check) => of.reason,
  'Check.errored(): bool': () => false,
  'Check.error(): string': () => '',
}
