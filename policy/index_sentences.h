// What `coffer catalog plan` prints of an assessment, and what `apply` says when it refuses.
#pragma once

#include "policy/index_planner.h"

namespace coffer::policy {

// "is refused: there are fewer than 256 different values, ..."
Literal SentenceOf(IndexRefusal refusal);
// "there are fewer than 256 different values"
std::string_view CauseOf(IndexRefusal refusal);
std::string SentenceOf(IndexLeak leak, const IndexAssessment& assessment);

// One paragraph an index: what it is, its figures, what it leaks, what speaks against it.
std::vector<std::string> SentencesOf(const IndexAssessment& assessment);
std::string SentenceOf(const TableAssessment& table);

// All of it: a line each, those of an index indented below its name. Empty for a catalog without indexes.
std::vector<std::string> LinesOf(const CatalogAssessment& assessment);

}  // namespace coffer::policy
