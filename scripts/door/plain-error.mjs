/** An error whose message is all that a person needs: printed as one line, without a stack. */
export class PlainError extends Error {}
