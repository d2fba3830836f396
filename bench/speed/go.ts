/** The programs of bench/go: built once for all measurements, if there is Go. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

const folder = join('bench', 'go', 'bin')

/** The path of a program, or undefined where it was not built because there is no Go. */
export function goBinary(name: string): string | undefined {
  const path = join(folder, name)
  return existsSync(path) ? path : undefined
}

/** Builds all; false where there is no Go. Throws if what is there cannot be built. */
export function buildGo(): boolean {
  if (spawnSync('go', ['version']).status !== 0) return false
  const built = spawnSync('go', ['build', '-o', 'bin/', './...'], { cwd: 'bench/go', stdio: 'inherit' })
  if (built.status !== 0) throw new Error('bench/go does not build')
  return true
}
