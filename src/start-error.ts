/** A start that failed: what was wanted, what was got, what to do next, and the exit code (design 12: 2 usage, 3 the cluster could not be asked, 4 could not start). */
export class StartError extends Error {
  readonly exitCode: 2 | 3 | 4

  constructor(exitCode: 2 | 3 | 4, message: string, options?: ErrorOptions) {
    super(message, options)
    this.exitCode = exitCode
  }
}
