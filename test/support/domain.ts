/**
 * Which test is told of what is thrown after a moment, or of a promise that nobody waits for: the test that set it in motion.
 * This is what tap asks of its `async-hook-domain`, with the same words. That one follows all that is asynchronous by hooks of
 * async_hooks, which Node calls for each promise; this one leaves it to V8, which carries the context of AsyncLocalStorage along.
 */
import { AsyncLocalStorage, AsyncResource, executionAsyncResource } from 'node:async_hooks'

type Told = (error: unknown, origin: string) => void

const running = new AsyncLocalStorage<Domain>()

/** Who is told of what is thrown by what is set in motion where it was made. Its names are those that tap calls. */
export class Domain {
  /** The first of all: it is told of what was set in motion outside of any test. */
  static #outermost: Domain | undefined
  readonly #told: Told
  readonly #around: Domain | undefined
  #ended = false

  /** The one that is told now, if all have not ended. */
  static current(): Domain | undefined {
    return (running.getStore() ?? Domain.#outermost)?.alive()
  }

  constructor(told: Told) {
    this.#told = told
    this.#around = running.getStore() ?? Domain.#outermost
    Domain.#outermost ??= this
    const resource: unknown = executionAsyncResource()
    if (resource instanceof AsyncResource) this.#takes(resource)
    else running.enterWith(this)
  }

  /** Tells it. */
  onerror(error: unknown, origin: string): void {
    this.#told(error, origin)
  }

  /** It is told of nothing any more: who is around it is. */
  destroy(): void {
    this.#ended = true
  }

  /** This one, or the nearest around it that has not ended. */
  alive(): Domain | undefined {
    return this.#ended ? this.#around?.alive() : this
  }

  // tap makes a domain within the resource of its test, and runs the test in that resource later.
  #takes(resource: AsyncResource): void {
    const run = resource.runInAsyncScope.bind(resource)
    resource.runInAsyncScope = (act, self, ...given) =>
      run(() => running.run(this, () => Reflect.apply(act, self, given)))
  }
}

/** Whether somebody was told. Whoever listens for it in this process comes before. */
function tell(error: unknown, origin: string): boolean {
  if (process.hasUncaughtExceptionCaptureCallback() || process.listenerCount('uncaughtException') > 0)
    return false
  const domain = Domain.current()
  domain?.onerror(error, origin)
  return domain !== undefined
}

process.on('uncaughtExceptionMonitor', (error, origin) => {
  if (!tell(error, origin)) return
  // Only this once: the process goes on.
  process.setUncaughtExceptionCaptureCallback(() => {
    process.setUncaughtExceptionCaptureCallback(null)
  })
})

// A listener would count as somebody who handles it, also where nobody does.
const emit = process.emit.bind(process)
Object.assign(process, {
  emit: (name: string | symbol, ...given: readonly unknown[]): unknown =>
    name === 'unhandledRejection' && process.listenerCount(name) === 0
      ? tell(given[0], name)
      : Reflect.apply(emit, process, [name, ...given]),
})
