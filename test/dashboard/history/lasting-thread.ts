/** A thread that holds one connection after another to history files, each with a port of its own. */
import { parentPort, type MessagePort } from 'node:worker_threads'
import { Connection } from '../../../src/dashboard/history/connection.ts'
import type { Request, Task } from '../../../src/dashboard/history/messages.ts'

parentPort?.on('message', ({ task, port }: { readonly task: Task; readonly port: MessagePort }) => {
  const connection = new Connection(task)
  port.on('message', (request: Request) => port.postMessage(connection.answer(request)))
  port.on('close', () => {
    connection.answer({ id: 0, operation: 'close', asks: undefined })
    parentPort?.postMessage('free')
  })
})
