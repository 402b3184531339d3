// Adds a line to a change that is being planned.
#pragma once

#include "policy/catalog_plan.h"

namespace coffer::policy {

// `weaker` says what the line costs; empty when it weakens nothing.
inline void AddLine(CatalogChange& change, ChangeKind kind, const ColumnName& field, std::string what,
                    std::string_view weaker = {}) {
  change.lines.push_back(
      {kind, change.lock.scope + "." + field.ToText(), std::move(what), !weaker.empty(), std::string(weaker)});
  change.weakens = change.weakens || !weaker.empty();
}

}  // namespace coffer::policy
