// The run-time side of the catalog: all scopes' locks as one immutable table from field name to what encryption needs
// to know.
#pragma once

#include <functional>
#include <span>
#include <unordered_map>

#include "policy/index_rule.h"

namespace coffer::policy {

struct FieldRule {
  std::string name;  // "shop.user.email", or "coffer.secret"
  ScopeUuid scope;
  FieldUuid field;
  bool retired = false;  // no new values; the caller says kFailedPrecondition
  FieldClass field_class = FieldClass::kSecret;
  std::vector<std::string> keyrings;  // the present one first, then former ones that values may still name
  FieldForm form;                     // of new values
  std::vector<FormerDeclaration> former;
  std::vector<ValueType> row;      // empty: rows were never bound
  std::vector<BoundType> bind;     // sorted by column
  std::vector<IndexRule> indexes;  // live ones, by name

  // The form to decrypt with: the declared one or a former one that is accepted at `now_unix_s`, whose second byte and
  // keyring are these; null when values like that are below the catalog's minimum. The pointer is into this rule.
  const FieldForm* FindForm(std::uint8_t second_byte, std::string_view keyring, std::int64_t now_unix_s) const;
  // Null when there is none of this name. The pointer is into this rule.
  const IndexRule* FindIndex(std::string_view index) const;
};

// Immutable and thread-safe. Rules live as long as the view.
class CatalogView {
 public:
  // With the built-in field, so also over no locks. kIntegrity when two locks share a name or an id: the store cannot
  // hold that.
  static Result<CatalogView> Build(std::span<const CatalogLock> locks);

  // By "scope.table.column", in constant time; null when there is none.
  const FieldRule* Find(std::string_view name) const;
  std::size_t size() const { return rules_.size(); }
  // True when a live index has a version whose tokens are made under this version of this keyring.
  bool HasIndexUnder(std::string_view keyring, KeyVersion version) const;

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>()(text); }
  };
  CatalogView() = default;
  Status Add(std::string name, ScopeUuid scope, const LockedField& field, std::vector<IndexRule> indexes);

  std::unordered_map<std::string, FieldRule, Hash, std::equal_to<>> rules_;
};

// Encodes what a value under `form` is bound to, into the two buffers (replaced; empty where the form binds nothing).
//
// `row` has as many parts as declared, of the declared types, none NULL; `context` names each bound column once, in any
// order, with a value of its type or NULL. What the declaration has but this form does not bind may be given (it is
// checked) or left out; what the declaration does not have is refused. kInvalidArgument At "row", "row[1]", "context"
// or "context.<column>"; both buffers are empty then. Thread-safe.
Status EncodeBinding(const FieldRule& rule, const FieldForm& form, std::span<const ScalarView> row,
                     std::span<const BoundColumn> context, Bytes& row_out, Bytes& context_out);

}  // namespace coffer::policy
