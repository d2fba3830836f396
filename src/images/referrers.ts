/** Lists what refers to a digest: the referrers API, or the tag that stands in for it (distribution specification 1.1). */
import type { Get, Wish } from './ask.ts'
import { readDescriptors } from './fields.ts'
import type { Descriptor } from './fields.ts'
import { misspelt, readObject } from './json.ts'
import { longestManifest, mostEntries, mostPages } from './limits.ts'
import { nextPage } from './link.ts'
import { acceptedManifests } from './manifest.ts'
import type { Access, Image, Outcome } from './ports.ts'
import { nameOf } from './names.ts'

type Page = { readonly entries: readonly Descriptor[]; readonly next: string | undefined }
type Subject = { readonly image: Image; readonly digest: string }

/**
 * All of them. The tag is looked at as well where the API knows none: not every tool that signs tells the API. An entry
 * says little about what it is (cosign's are poor): whoever filters has to look at the manifest.
 */
export async function referrersOf(
  get: Get,
  subject: Subject,
  access: Access,
): Promise<Outcome<readonly Descriptor[]>> {
  const listed = await fromApi(get, subject, access)
  if ('ok' in listed ? listed.ok.length > 0 : !['NOT_FOUND', 'BAD_ANSWER'].includes(listed.failed.code))
    return listed
  const tag = subject.digest.replace(':', '-')
  const tagged = await get(pageOf(subject, `manifests/${tag}`), subject.image, access)
  if ('ok' in tagged) return { ok: tagged.ok.entries }
  return tagged.failed.code === 'NOT_FOUND' ? { ok: [] } : tagged
}

async function fromApi(get: Get, subject: Subject, access: Access): Promise<Outcome<readonly Descriptor[]>> {
  const found: Descriptor[] = []
  let path: string | undefined = `referrers/${subject.digest}`
  for (let page = 0; path !== undefined; page += 1) {
    if (page === mostPages || found.length > mostEntries) return tooMany(subject)
    const got: Outcome<Page> = await get(pageOf(subject, path), subject.image, access)
    if (!('ok' in got)) return got
    found.push(...got.ok.entries)
    path = got.ok.next
  }
  return { ok: found }
}

function tooMany({ image, digest }: Subject): Outcome<never> {
  const message = `wanted what refers to ${digest} in ${nameOf(image)}, got more than ${mostPages} pages or ${mostEntries} entries. Remove old signatures and attestations`
  return { failed: { code: 'TOO_LARGE', message } }
}

function pageOf({ image, digest }: Subject, path: string): Wish<Page> {
  return {
    what: `what refers to ${digest} in ${nameOf(image)}`,
    method: 'GET',
    path,
    accept: acceptedManifests,
    maxBytes: longestManifest,
    take: ({ body, headers }, endpoint) => {
      const read = readObject(body)
      if ('problem' in read) return { code: 'BAD_ANSWER', got: read.problem }
      if (misspelt(read.ok, ['manifests']) !== undefined)
        return { code: 'BAD_ANSWER', got: 'an index with the key manifests in another spelling' }
      const entries = readDescriptors(read.ok['manifests'], 'manifests')
      if ('problem' in entries) return { code: 'BAD_ANSWER', got: entries.problem }
      const next = nextPage(headers['link'], { digest, repository: endpoint.repository })
      if ('problem' in next) return { code: 'BAD_ANSWER', got: next.problem }
      return { ok: { entries: entries.ok, next: next.ok } }
    },
  }
}
