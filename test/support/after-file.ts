type Ending = () => unknown;

const endings: Ending[] = [];

/**
 * To be called by a module of test/support, at its top level: what is to be done when a test file has ended. A hook of the
 * test runner would not do there, because a process that runs several test files loads the module for the first of them alone.
 */
export function afterFile(ending: Ending): void {
  endings.push(ending);
}

/** Does it, what was loaded last first; all of it, even where some of it fails. */
export async function endFile(): Promise<void> {
  const errors: unknown[] = [];
  for (const ending of endings.toReversed()) {
    try {
      await ending();
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0)
    throw new AggregateError(errors, 'not all could be cleared away after the test file');
}
