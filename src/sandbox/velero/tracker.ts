/** What Velero remembers of running Backups, in memory only (velero pkg/controller/backup_tracker.go). */

/** Ready, running and post-processing Backups by name. */
export class Tracker {
  readonly #ready = new Set<string>()
  readonly #running = new Set<string>()
  readonly #finishing = new Set<string>()

  /** A Backup left the queue. */
  addReady(name: string): void {
    this.#ready.add(name)
  }

  /** A Backup runs. */
  addRunning(name: string): void {
    this.#ready.delete(name)
    this.#running.add(name)
  }

  /** A Backup has left InProgress. */
  addFinishing(name: string): void {
    this.delete(name)
    this.#finishing.add(name)
  }

  /** A Backup has ended. */
  delete(name: string): void {
    this.#ready.delete(name)
    this.#running.delete(name)
    this.#finishing.delete(name)
  }

  /** Whether a Backup may not be deleted now. */
  contains(name: string): boolean {
    return this.#running.has(name) || this.#finishing.has(name)
  }

  /** How many slots are taken. */
  runningCount(): number {
    return this.#ready.size + this.#running.size
  }
}
