/** A thread with a connection to the history file: SQLite never runs on the thread that serves requests. */
import { parentPort, workerData } from 'node:worker_threads'
import { Connection } from './connection.ts'
import type { Request, Task } from './messages.ts'

const connection = new Connection(workerData as Task)
parentPort?.on('message', (request: Request) => parentPort?.postMessage(connection.answer(request)))
