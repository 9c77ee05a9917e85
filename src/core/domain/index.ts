// The runtime check comes first: an old Node must hear of it before a driver crashes in it.
import '../foundation/runtime.ts';
export type { Brand } from './brand.ts';
export { checkFields, type Entity } from './entity.ts';
export type { Cursor, Page } from './page.ts';
export type { StandardIssue, StandardResult, StandardSchema } from './standard-schema.ts';
export { createUuidSource, defineId, newId, type UuidSource } from './uuid.ts';
export { validate, validateAsync } from './validate.ts';
export { defineValueObject, type ValueObject, type ValueOf } from './value-object.ts';
export { ValidationError } from '../foundation/errors/validation-error.ts';
export type { Issue } from '../foundation/issue.ts';
