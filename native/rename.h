#pragma once

namespace xfer::files {

/**
 * Renames `from` to `to` within a held directory; 0 or an errno. Without `replace`, EEXIST where anything stands at
 * `to`; a directory there is EISDIR in both cases.
 */
int Rename(int directory, const char* from, const char* to, bool replace);

}  // namespace xfer::files
