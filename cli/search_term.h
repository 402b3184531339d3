// What a search looks for: from a file, standard input or a hidden prompt, never from the arguments.
#pragma once

#include <string>
#include <vector>

#include "cli/field_values.h"
#include "cli/planned_index.h"

namespace coffer::cli {

struct TermOptions {
  std::string file;                   // as ReadValue takes it
  PlainForm form = PlainForm::kText;  // of each value
  bool at_start = false;              // n-gram indexes only
  bool at_end = false;
};

// How many values a search of the index takes: 2 for a range, one a part for a compound.
std::size_t TermsOf(const PlannedIndex& index);

// One value a line. A single value is all of the text but for one final line end, so that it may have others in it.
// Usage failure: another number of lines. Wipes `text`.
Outcome<std::vector<std::string>> SplitTerms(std::string text, std::size_t count);

// `terms` are as many as TermsOf says. Usage failure: a term is not in the form that was told, or an option is for
// another kind of index.
Outcome<v1::Search> SearchFor(const PlannedIndex& index, std::vector<std::string> terms, const TermOptions& options);

// Reads the terms and makes a search of them, to be wiped with client::WipeSearch.
Outcome<v1::Search> ReadSearch(const PlannedIndex& index, const TermOptions& options);

}  // namespace coffer::cli
