/** Bugs in who may do what: authentication, impersonation, RBAC, reviews. */
import { inFile, type Bug } from './bug.ts'

const authenticate = inFile('apiserver/authn/authenticate.ts', '^(who|rights|reviews)')
const rbac = inFile('apiserver/authz/rbac.ts', '^(who|rights|reviews)')
const reviews = inFile('apiserver/authz/reviews.ts', '^(who|rights|reviews)')
const escalation = inFile('apiserver/authz/escalation.ts', '^(who|rights|reviews)')

/** The bugs. */
export const bugs: readonly Bug[] = [
  authenticate('whom one acts as is not system:authenticated', [
    `return [...new Set([...asked, ...added, everyone])]`,
    `return [...new Set([...asked, ...added])]`,
  ]),
  authenticate('an impersonated account has its own groups beside those that were asked for', [
    `const added = asked.length === 0 ? (accountGroups(name) ?? []) : []`,
    `const added = accountGroups(name) ?? []`,
  ]),
  authenticate('impersonating a uid needs no right', [
    `...(uid === '' ? [] : [{ group, resource: 'uids', name: uid }]),`,
    ``,
  ]),
  authenticate('impersonating a group needs no right', [
    `...groups.map((one) => ({ resource: 'groups', name: one })),`,
    ``,
  ]),
  rbac('a right with resourceNames is one to list', [
    `return names.length === 0 || names.includes(what.name)`,
    `return names.length === 0 || what.name === '' || names.includes(what.name)`,
  ]),
  rbac('a right on a resource is one on its subresources', [
    `(one) => one === '*' || one === full ||`,
    `(one) => one === '*' || one === resource || one === full ||`,
  ]),
  rbac('a RoleBinding counts in every namespace', [
    `.filter((binding) => textAt(binding, 'metadata', 'namespace') === namespace)`,
    ``,
  ]),
  rbac('an account is bound whatever namespace it is of', [
    `return full === user.name && accountGroups(full) !== undefined`,
    `return user.name.endsWith(\`:\${name}\`) && accountGroups(user.name) !== undefined`,
  ]),
  reviews('a SubjectAccessReview adds the group of all users', [
    `return { name, uid: textAt(object, 'spec', 'uid'), groups, extra }`,
    `return { name, uid: textAt(object, 'spec', 'uid'), groups: [...groups, 'system:authenticated'], extra }`,
  ]),
  reviews('a SelfSubjectAccessReview asks for whom it names', [
    `access(world, request.user, object)`,
    `access(world, { ...request.user, groups: ['system:masters'] }, object)`,
  ]),
  escalation('a binding may give more than its author has', [
    `    ? boundRules(world, user, written)`,
    `    ? []`,
  ]),
  escalation('a role that gives more than its editor has may be relabelled', [
    `return same(rest(before), rest(object))`,
    `return same(listAt(before, 'rules'), listAt(object, 'rules'))`,
  ]),
  escalation('who may not grant a role may not take a finalizer from it', [
    `      'finalizers',
`,
    ``,
  ]),
]
