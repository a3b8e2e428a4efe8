/**
 * The reason of aborts whose reason nobody reads. `abort()` without one makes a DOMException with a stack, which costs
 * more than all else that ending a wait does.
 */
export const noLongerNeeded = new Error('no longer needed');
