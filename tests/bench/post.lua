-- For wrk: POSTs of a push, each with a tag of its own, so that none is a
-- duplicate. TOKEN is the bearer token.
local threads = 0
function setup(thread)
	thread:set("id", threads)
	threads = threads + 1
end

local n = 0
local headers = {
	["Content-Type"] = "application/json",
	["Authorization"] = "Bearer " .. (os.getenv("TOKEN") or ""),
}

function request()
	n = n + 1
	return wrk.format("POST", nil, headers, string.format(
		'{"name":"shop/web","tag":"v%d-%d-%d"}', id, n, os.time()))
end
