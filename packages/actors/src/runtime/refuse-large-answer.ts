import { MESSAGE_BYTES_MAX_DEFAULT, MessageTooLargeError } from '@spacegrid/core';

/** Throws MessageTooLargeError for an answer that no message holds, while its turn can still be undone. */
export function refuseLargeAnswer(bytes: number): void {
  if (bytes > MESSAGE_BYTES_MAX_DEFAULT) {
    throw new MessageTooLargeError(
      `an answer of ${bytes} bytes exceeds the largest of ${MESSAGE_BYTES_MAX_DEFAULT}: answer in parts`,
    );
  }
}
