/** manycore/shared-memory: Python's multiprocessing.shared_memory for TypeScript. */
export { SharedMemoryError } from './errors.ts';
export { ShareableList, type Shareable } from './shared/shareable-list.ts';
export { shared, type Shared } from './shared/shared.ts';
export { SharedMemoryManager } from './shared/shared-memory-manager.ts';
export { SharedMemory, type SharedMemoryOptions } from './shared/shared-memory.ts';
export { RawArray, SharedArray } from './shared/shared-array.ts';
export { SharedStruct } from './shared/shared-struct.ts';
export { SharedStructArray } from './shared/shared-struct-array.ts';
export type { FieldValue, NumberField, StructFields, StructInit, StructOf } from './shared/records.ts';
export { RawValue, SharedValue } from './shared/shared-value.ts';
export type { ArrayOf, ElementOf, TypeCode } from './shared/type-codes.ts';
export type { LockOption } from './shared/locked.ts';
