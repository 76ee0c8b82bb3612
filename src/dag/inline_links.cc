#include "dag/inline_links.h"

#include <optional>
#include <utility>

#include "base/error.h"
#include "packstore/bytes.h"
#include "packstore/dag.h"

namespace packstore::dag {
namespace {

// How deep contents may stand in links in contents. A CID has room for fewer.
constexpr int kInlineDepthMax = 16;

Status append(std::vector<Cid> links, int depth, std::vector<Cid>& followed) {
  for (Cid& link : links) {
    const std::optional<ByteView> content = link.inline_content();
    if (!content) {
      followed.push_back(std::move(link));
      continue;
    }
    if (depth == kInlineDepthMax) {
      return fail(ErrorCode::kUnsupported, "block {}: content in CIDs in content, limit {}",
                  link.to_text(), kInlineDepthMax);
    }
    ASSIGN_OR_RETURN(std::vector<Cid> within, children_of(link, *content));
    RETURN_IF_ERROR(append(std::move(within), depth + 1, followed));
  }
  return {};
}

}  // namespace

Result<std::vector<Cid>> follow_inline(std::vector<Cid> links) {
  std::vector<Cid> followed;
  followed.reserve(links.size());
  RETURN_IF_ERROR(append(std::move(links), 0, followed));
  return followed;
}

}  // namespace packstore::dag
