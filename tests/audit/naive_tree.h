// The tree as RFC 6962 section 2.1 defines it, recursively and slowly: what audit/tree.h and audit/proof.h are compared
// with. Also the leaves that the tests share.
#pragma once

#include <map>
#include <string>

#include "audit/proof.h"

namespace coffer::audit {

class NaiveTree {
 public:
  explicit NaiveTree(std::vector<Digest> leaf_hashes) : leaves_(std::move(leaf_hashes)) {}
  // `count` records "record 0", "record 1", ...
  static NaiveTree OfCount(std::size_t count);

  const std::vector<Digest>& leaves() const { return leaves_; }
  // MTH(D[begin:end]), remembered.
  Digest Mth(std::size_t begin, std::size_t end) const;
  TreeHead Head(std::size_t size) const { return {size, Mth(0, size)}; }
  // PATH(index, D[0:size]) of 2.1.1.
  Proof Path(std::size_t index, std::size_t size) const { return PathIn(index, 0, size); }
  // PROOF(from, D[0:to]) of 2.1.2, for 0 < from <= to.
  Proof Consistency(std::size_t from, std::size_t to) const { return SubProof(from, 0, to, true); }

  // Refers to this. Counts the hashes that were asked for.
  HashSource Source() const;
  std::size_t asked() const { return asked_; }

 private:
  static std::size_t Split(std::size_t size);  // the largest power of two below it
  Proof PathIn(std::size_t index, std::size_t begin, std::size_t end) const;
  Proof SubProof(std::size_t from, std::size_t begin, std::size_t end, bool is_known) const;

  std::vector<Digest> leaves_;
  mutable std::map<std::pair<std::size_t, std::size_t>, Digest> known_;
  mutable std::size_t asked_ = 0;
};

std::string RecordText(std::size_t index);

// The leaves of the certificate transparency reference implementation, and the roots of 0 to 8 of them.
std::vector<Bytes> ReferenceRecords();
std::vector<Digest> ReferenceRoots();
Digest DigestOfHex(std::string_view hex);

}  // namespace coffer::audit
