/** Which test is told of what is thrown after a moment. tap itself asks this of `support/domain.ts` in each process of `npm test`. */
import { AsyncResource } from 'node:async_hooks'
import { createServer, get } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { Domain } from './support/domain.ts'

type Told = readonly [message: string, origin: string]

/** A test as tap makes it, and what it is told first. */
function aTest(): {
  readonly run: (act: () => void) => void
  readonly domain: Domain
  readonly told: Promise<Told>
} {
  const resource = new AsyncResource('a test')
  const { promise: told, resolve } = Promise.withResolvers<Told>()
  const domain = resource.runInAsyncScope(
    () =>
      new Domain((error, origin) =>
        resolve([error instanceof Error ? error.message : String(error), origin]),
      ),
  )
  return { run: (act) => resource.runInAsyncScope(act), domain, told }
}

const fail = (): never => {
  throw new Error('too late')
}

/** A server that throws when it is asked, once. */
function ask(t: Test): void {
  const server = createServer(fail).listen(0, '127.0.0.1')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  server.once('listening', () => {
    const asked = get({ port: (server.address() as AddressInfo).port, host: '127.0.0.1' })
    asked.on('error', () => undefined)
  })
}

const thrown: Readonly<Record<string, (t: Test) => void>> = {
  'in a timer': () => void setTimeout(fail, 1),
  'at once after this': () => setImmediate(fail),
  'in the next tick': () => process.nextTick(fail),
  'in a microtask': () => queueMicrotask(fail),
  'in a timer of a timer': () => void setTimeout(() => setTimeout(fail, 1), 1),
  'by a server that was started': ask,
}

for (const [name, act] of Object.entries(thrown))
  t.test(`what is thrown ${name} is told to the test that set it in motion`, async (t) => {
    const [mine, other] = [aTest(), aTest()]
    mine.run(() => act(t))
    other.run(() => setTimeout(() => undefined, 1))
    t.same(await mine.told, ['too late', 'uncaughtException'])
  })

t.test('a promise that nobody waits for is told to the test that made it', async (t) => {
  const mine = aTest()
  mine.run(() => void Promise.resolve().then(fail))
  const [, origin] = await mine.told
  t.equal(origin, 'unhandledRejection')
})

t.test('what is thrown after the end of a test is told to the test around it', async (t) => {
  const outer = aTest()
  const within = Promise.withResolvers<ReturnType<typeof aTest>>()
  outer.run(() => within.resolve(aTest()))
  const inner = await within.promise
  inner.run(() => void setTimeout(fail, 1))
  inner.domain.destroy()
  t.same(await outer.told, ['too late', 'uncaughtException'])
})

t.test('tap asks it, and not the hooks that follow every promise', async (t) => {
  t.ok(t.hookDomain instanceof Domain)
})
