/** Velero's side of the Kubernetes API: HTTP over undici, as the account whose token it is given. */
import { Agent, request, type Dispatcher } from 'undici'
import { isObject, listAt, textAt, type Json, type JsonObject } from '../apiserver/json.ts'
import { mergeDiff } from './merge-diff.ts'

/** Where the API server is, and who asks. */
export type ClientOptions = {
  readonly url: string
  readonly ca: string
  readonly token: string
  readonly namespace: string
}

/** An answer that is not a success. */
export class ApiFailure extends Error {
  /** 0: no answer at all. */
  readonly code: number
  readonly reason: string

  constructor(code: number, reason: string, message: string) {
    super(message)
    this.code = code
    this.reason = reason
  }
}

/** What a list gives. */
export type Listed = { readonly items: readonly JsonObject[]; readonly resourceVersion: string }

type Call = {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly path: string
  readonly body?: Json
  readonly type?: string
}

const answerMs = 40_000
// A whole list of the largest sandbox; anything beyond is not an API server's.
const largestAnswer = 256 << 20

/** Talks to the kinds of velero.io in one namespace. */
export class Client {
  readonly namespace: string
  readonly #options: ClientOptions
  readonly #agent: Agent

  constructor(options: ClientOptions) {
    this.namespace = options.namespace
    this.#options = options
    this.#agent = new Agent({
      connect: { ca: options.ca },
      headersTimeout: answerMs,
      maxResponseSize: largestAnswer,
    })
  }

  /** The path of a collection; namespaces are the only kind beside Velero's own. */
  path(plural: string, name?: string): string {
    const base =
      plural === 'namespaces'
        ? '/api/v1/namespaces'
        : `/apis/velero.io/v1/namespaces/${this.namespace}/${plural}`
    return name === undefined ? base : `${base}/${encodeURIComponent(name)}`
  }

  /** All objects of a kind. */
  async list(plural: string): Promise<Listed> {
    const list = await this.#call({ method: 'GET', path: this.path(plural) })
    return {
      items: listAt(list, 'items').filter(isObject),
      resourceVersion: textAt(list, 'metadata', 'resourceVersion'),
    }
  }

  /** The version of the API server. */
  version(): Promise<JsonObject> {
    return this.#call({ method: 'GET', path: '/version' })
  }

  /** Makes an object. */
  create(plural: string, object: JsonObject): Promise<JsonObject> {
    return this.#call({ method: 'POST', path: this.path(plural), body: object })
  }

  /** Sends what changed as a merge patch without resourceVersion, as Velero does; gives what is stored then. */
  patch(plural: string, from: JsonObject, to: JsonObject): Promise<JsonObject> {
    return this.#call({
      method: 'PATCH',
      path: this.path(plural, textAt(from, 'metadata', 'name')),
      body: mergeDiff(from, to),
      type: 'application/merge-patch+json',
    })
  }

  /** Replaces an object; its resourceVersion must be the stored one. */
  update(plural: string, object: JsonObject): Promise<JsonObject> {
    return this.#call({
      method: 'PUT',
      path: this.path(plural, textAt(object, 'metadata', 'name')),
      body: object,
    })
  }

  /** Deletes an object; one that is gone is no error. */
  async remove(plural: string, name: string): Promise<void> {
    try {
      await this.#call({ method: 'DELETE', path: this.path(plural, name) })
    } catch (error) {
      if (!(error instanceof ApiFailure && error.code === 404)) throw error
    }
  }

  /** The events of a collection from a resourceVersion on; ends when the server ends it. */
  async *watch(plural: string, from: string, signal: AbortSignal): AsyncGenerator<JsonObject> {
    const query = `?watch=true&allowWatchBookmarks=true&timeoutSeconds=300&resourceVersion=${from}`
    const call = { method: 'GET', path: this.path(plural) + query } as const
    // A quiet watch is a good watch.
    const { statusCode, body } = await this.#send(call, { signal, bodyTimeout: 0 })
    if (statusCode !== 200) throw failureOf(statusCode, parse(await body.text()))
    let rest = ''
    body.setEncoding('utf8')
    for await (const chunk of body as AsyncIterable<string>) {
      const lines = (rest + chunk).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) if (line !== '') yield parse(line)
    }
  }

  /** Closes its connections. */
  close(): Promise<void> {
    return this.#agent.destroy()
  }

  async #call(call: Call): Promise<JsonObject> {
    const { statusCode, body } = await this.#send(call, { bodyTimeout: answerMs })
    const answer = parse(await body.text())
    if (statusCode < 200 || statusCode > 299) throw failureOf(statusCode, answer)
    return answer
  }

  #send(
    { method, path, body, type }: Call,
    bounds: { readonly signal?: AbortSignal; readonly bodyTimeout: number },
  ): Promise<Pick<Dispatcher.ResponseData, 'statusCode' | 'body'>> {
    return request(`${this.#options.url}${path}`, {
      dispatcher: this.#agent,
      method,
      ...bounds,
      headers: {
        authorization: `Bearer ${this.#options.token}`,
        accept: 'application/json',
        'user-agent': 'velero-server/v1.18.3 (sandbox)',
        ...(body === undefined ? {} : { 'content-type': type ?? 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
  }
}

function parse(text: string): JsonObject {
  const value = JSON.parse(text) as Json
  if (!isObject(value))
    throw new ApiFailure(0, '', `the API server must answer with a JSON object, got ${text.slice(0, 100)}`)
  return value
}

const failureOf = (code: number, status: JsonObject): ApiFailure =>
  new ApiFailure(
    code,
    textAt(status, 'reason'),
    textAt(status, 'message') || `the API server answered ${code}`,
  )
