/** Field paths as Kubernetes writes them: `spec.ports[0].name`, `metadata.annotations[a/b]`. */

/** The path of a named field. */
export function fieldPath(parent: string, name: string): string {
  return parent === '' ? name : `${parent}.${name}`
}
/** The path of a list item. */
export function itemPath(parent: string, index: number): string {
  return `${parent}[${index}]`
}
