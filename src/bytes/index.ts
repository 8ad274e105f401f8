export { ByteReader } from './byte-reader.ts'
export { ByteWriter } from './byte-writer.ts'
export { crc32 } from './crc32.ts'
export { BYTES_ERRORS, type BytesErrorCode, bytesError } from './errors.ts'
